/// How a task reads texts, besides the longest row: what training chose, its adapter remembers.
public struct ReadingOptions: Sendable, Hashable {
    /// The most tokens of a text that answers another, its end token included; longer ones are cut.
    public var targetLength = 128

    /// What suits most tasks.
    public init() {}
}
