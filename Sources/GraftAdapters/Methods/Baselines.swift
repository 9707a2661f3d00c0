internal import GraftLayers

/// Trains the head on the frozen model's hidden states and nothing else.
public struct HeadOnly: AdapterMethod, Hashable {
    public static let identifier = "head"
    public static let presets: KeyValuePairs<String, HeadOnly> = ["head": HeadOnly()]

    init() {}

    public init(from decoder: any Decoder) throws {
        _ = try decoder.fields(NoSettings.self)
    }

    public func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoSettings.self)
    }

    public var defaultLearningRate: Double { 1e-3 }

    public static func combined(
        _ adapters: [TrainedAdapter<HeadOnly>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        throw arithmetic.refusal(of: identifier, "there is no adapter besides the head")
    }
}

/// Trains every weight of the model: what adapters are compared with.
public struct FullFineTuning: AdapterMethod, Hashable {
    public static let identifier = "full"
    public static let presets: KeyValuePairs<String, FullFineTuning> = ["full": FullFineTuning()]

    init() {}

    public init(from decoder: any Decoder) throws {
        _ = try decoder.fields(NoSettings.self)
    }

    public func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoSettings.self)
    }

    public var trainsBase: Bool { true }

    public var defaultLearningRate: Double { 5e-5 }

    public static func combined(
        _ adapters: [TrainedAdapter<FullFineTuning>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        throw arithmetic.refusal(of: identifier, "it trained the model itself, which is no adapter")
    }
}
