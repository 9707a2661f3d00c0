/// A step that turns the spellings of tokens into parts of a text.
protocol TokenDecoder: Sendable {
    /// Returns the parts of the text, not necessarily one for each token.
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]]
}

/// Decoding steps, one after the other; the parts that come out are joined.
struct DecoderChain: Sendable {
    var steps: [any TokenDecoder]

    /// Returns the text of `tokens`.
    func decode(_ tokens: [String]) -> String {
        var parts = tokens.map { Array($0.utf8) }
        for step in steps { parts = step.decode(parts) }
        return String(decoding: parts.joined(), as: UTF8.self)
    }
}
