internal import ArgumentParser
internal import GraftModels
internal import GraftTraining

/// The value of `--task`: what is predicted, and perhaps of what.
struct TaskName: ExpressibleByArgument, CustomStringConvertible {
    /// What the head predicts.
    let kind: HeadKind
    /// Whether the rows must be pictures.
    var isOfPictures = false

    private static let pictures = "image-classification"

    init(kind: HeadKind) { self.kind = kind }

    init?(argument: String) {
        isOfPictures = argument == TaskName.pictures
        guard let kind = isOfPictures ? .classification : HeadKind(argument: argument) else {
            return nil
        }
        self.kind = kind
    }

    static var allValueStrings: [String] {
        HeadKind.allCases.map(\.rawValue) + [TaskName.pictures]
    }

    var description: String { isOfPictures ? TaskName.pictures : kind.rawValue }
    var defaultValueDescription: String { description }

    /// Confirms that a model reads such rows.
    ///
    /// - Throws: An error naming the model's family if it does not.
    func check(on base: BaseModel) throws {
        if kind == .imageText { _ = try base.imageTextModel }
        if kind.writesText { _ = try kind.writer(base.model) }
        let family = base.shape.family
        if isOfPictures, !base.readsImages {
            throw CommandError(
                "--task \(self): a \(family) model reads texts",
                hint: "--task \(kind.rawValue), or a ViT, DeiT or CLIP model"
            )
        }
        if kind.isOfTexts, base.readsImages {
            let what = kind == .tagging ? "words are tagged" : "texts are read"
            throw CommandError(
                "--task \(self): \(what), and a \(family) model reads pictures",
                hint: "--task \(TaskName.pictures)"
            )
        }
    }
}
