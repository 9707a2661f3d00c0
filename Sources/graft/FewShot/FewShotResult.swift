internal import GraftData
internal import GraftModels
internal import GraftTraining

/// What can be learned from a few pictures of each class.
enum FewShotMethod: String, CaseIterable {
    case tipAdapter = "tip_adapter"
    case trainedTipAdapter = "tip_adapter_f"
    case clipAdapter = "clip_adapter"

    /// What people call it.
    var title: String {
        switch self {
        case .tipAdapter: "Tip-Adapter"
        case .trainedTipAdapter: "Tip-Adapter-F"
        case .clipAdapter: "CLIP-Adapter"
        }
    }
}

/// What was learned from some pictures of each class.
struct FewShotResult {
    /// Pictures of a class.
    let shots: Int
    /// Pictures of all classes.
    let rows: Int
    /// What each method learned, with the share of pictures that it answers rightly.
    let modules: [(method: FewShotMethod, module: any FeatureClassifier, accuracy: Double)]

    var json: JSONValue {
        let figures = modules.flatMap { method, module, accuracy in
            var members = [JSONValue.Member(method.rawValue, .number(accuracy))]
            if case .tipAdapter(_, let alpha, let beta) = module.kind {
                members += [
                    .init(method.rawValue + "_alpha", .number(alpha)),
                    .init(method.rawValue + "_beta", .number(beta)),
                ]
            }
            return members
        }
        return .object([.init("shots", .integer(shots)), .init("rows", .integer(rows))] + figures)
    }
}
