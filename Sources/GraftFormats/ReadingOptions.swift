/// How a task reads texts, besides the longest row: what training chose, its adapter remembers.
public struct ReadingOptions: Sendable, Hashable {
    /// The most tokens of a text that answers another, its end token included; longer ones are cut.
    public var targetLength = 128

    /// The tokens that two neighbouring windows of a long context share.
    public var stride = 128
    /// Whether a question may be without an answer, as some were in training.
    public var acceptsNoAnswer = false

    /// What suits most tasks.
    public init() {}
}
