internal import GraftData
internal import GraftModels
internal import GraftTraining

/// What was learned from some pictures of each class.
struct FewShotResult {
    /// Pictures of a class.
    let shots: Int
    /// Pictures of all classes.
    let rows: Int
    /// Modules by name, in the order of ``names``, with the share of pictures that each answers rightly.
    let modules: [(name: String, module: any FeatureClassifier, accuracy: Double)]

    /// What can be learned: as results and folders name it, and as people do.
    static let names = [
        (id: "tip_adapter", title: "Tip-Adapter"), (id: "tip_adapter_f", title: "Tip-Adapter-F"),
        (id: "clip_adapter", title: "CLIP-Adapter"),
    ]

    var json: JSONValue {
        .object(
            [.init("shots", .integer(shots)), .init("rows", .integer(rows))]
                + modules.map { .init($0.name, .number($0.accuracy)) }
        )
    }
}
