internal import ArgumentParser
internal import GraftTraining

/// What a CLIP model is told about classes that it tells apart by their names alone.
struct PromptOptions: ParsableArguments {
    @Option(
        name: .customLong("classes"),
        help: ArgumentHelp(
            "The classes that a CLIP model tells apart by their names, without training.",
            valueName: "a,b,c"
        )
    )
    var list: String?

    @Option(
        name: .customLong("template"),
        help: ArgumentHelp(
            "What is said of a class, with {} for its name; may be given several times, and is averaged (default: a photo of a {}.).",
            valueName: "prompt"
        )
    )
    var templates: [String] = []

    /// The classes, if any were given.
    var classes: [String]? { list?.commaSeparated }

    /// A classifier by names.
    ///
    /// - Parameters:
    ///   - classes: Their names.
    ///   - base: The model.
    ///   - predictor: An adapter of pairs on it, if any.
    /// - Returns: What answers.
    /// - Throws: An error if the model or the adapter is of another kind, a class is named twice or a template has no
    ///   gap.
    func classifier(
        _ classes: [String],
        on base: BaseModel,
        adapter predictor: Predictor?
    ) throws -> ZeroShotClassifier {
        try ZeroShotClassifier(
            ImageTextEncoder(base, adapter: predictor),
            classes: classes,
            templates: templates.isEmpty ? .photo : PromptTemplates(templates)
        )
    }
}
