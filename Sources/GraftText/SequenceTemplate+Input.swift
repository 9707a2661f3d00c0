extension SequenceTemplate {
    /// Adds the tokens of a text, all to one word if its number is given, to a buffer.
    typealias TextEncoder = (_ text: String, _ word: Int32?, _ tokens: inout TokenBuffer) -> Void

    /// Returns the encoding of an input, cut to the length that the options ask for.
    func encode(
        _ input: TextInput,
        options: EncodingOptions,
        _ encode: TextEncoder
    ) -> Encoding {
        var isPair = false
        if case .pair = input { isPair = true }
        let specials = options.addsSpecialTokens ? specialCount(isPair: isPair) : 0
        let limit = options.maxLength.map { max(0, $0 - specials) } ?? .max
        // Which text of a pair is the longer shows only once both are done.
        let firstLimit = isPair ? .max : limit

        var first = TokenBuffer(tracksSource: options.tracksSource, limit: firstLimit)
        switch input {
        case .text(let text):
            encode(text, nil, &first)
        case .words(let words):
            for (index, word) in words.enumerated() where !first.isFull {
                encode(word, Int32(truncatingIfNeeded: index), &first)
            }
        case .pair(let text, let other):
            var second = TokenBuffer(tracksSource: options.tracksSource)
            encode(text, nil, &first)
            encode(other, nil, &second)
            let kept = Truncation.longestFirst(first.ids.count, second.ids.count, limit: limit)
            return assemble(first, kept.first, second, kept.second, options: options)
        }
        return assemble(first, min(first.ids.count, limit), nil, 0, options: options)
    }
}
