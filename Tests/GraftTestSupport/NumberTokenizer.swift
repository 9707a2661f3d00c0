package import GraftText

/// Reads text that already is token ids: `17 4/1 23` are the ids 17, 4 and 23, the second in segment 1.
///
/// So the inputs of a fixture go the way of real rows, through data sets and encoding.
package struct NumberTokenizer: Tokenizer {
    package let vocabularySize = 64

    package init() {}

    /// The text of a row.
    package static func text(ids: [Int32], typeIDs: [Int32]) -> String {
        zip(ids, typeIDs).map { $1 == 0 ? "\($0)" : "\($0)/\($1)" }.joined(separator: " ")
    }

    package func id(of token: String) -> Int32? { Int32(token) }

    package func token(of id: Int32) -> String? { String(id) }

    package func encode(_ input: TextInput, options: EncodingOptions) -> Encoding {
        let words =
            switch input {
            case .text(let text): text.split(separator: " ").map(String.init)
            case .pair(let first, let second): [first, second]
            case .words(let words): words
            }
        var encoding = Encoding()
        for (index, word) in words.prefix(options.maxLength ?? .max).enumerated() {
            let numbers = word.split(separator: "/").compactMap { Int32($0) }
            encoding.ids.append(numbers.first ?? 0)
            encoding.typeIDs.append(numbers.count > 1 ? numbers[1] : 0)
            encoding.offsets.append(0..<word.utf8.count)
            encoding.wordIDs.append(Int32(index))
            encoding.isSpecial.append(false)
        }
        return encoding
    }

    package func decode(_ ids: some Sequence<Int32>, skippingSpecialTokens: Bool) -> String {
        ids.map(String.init).joined(separator: " ")
    }
}
