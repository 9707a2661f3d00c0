/// A message of a row that is a conversation.
public struct RowMessage: Sendable, Hashable {
    /// Who says it: `system`, `user`, `assistant`, or whatever else a model knows.
    public var role: String
    /// What is said.
    public var content: String

    /// Creates a message.
    public init(role: String, content: String) {
        (self.role, self.content) = (role, content)
    }
}

extension [RowMessage] {
    /// One list of strings for both kinds of written row: a text alone, or a role and a content for each message.
    var stored: [String] { flatMap { [$0.role, $0.content] } }

    /// The messages that a list was stored from; `nil` if it is a text alone.
    init?(stored list: [String]) {
        guard list.count != 1 else { return nil }
        self = stride(from: 0, to: list.count - 1, by: 2).map {
            RowMessage(role: list[$0], content: list[$0 + 1])
        }
    }
}
