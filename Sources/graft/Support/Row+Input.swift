internal import GraftData
internal import GraftText

extension Row {
    /// The row as a tokenizer takes it.
    var input: TextInput {
        if let words { return .words(words) }
        return pair.map { .pair(text, $0) } ?? .text(text)
    }
}
