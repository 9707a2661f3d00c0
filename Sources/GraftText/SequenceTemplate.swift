/// How the tokens of one or two texts are put together with special tokens.
///
/// The post-processors `TemplateProcessing`, `BertProcessing` and `RobertaProcessing` are such templates; so is
/// none at all.
struct SequenceTemplate: Sendable, Hashable {
    /// An element of a template.
    enum Piece: Sendable, Hashable {
        case special(ids: [Int32], typeID: Int32)
        case first(typeID: Int32)
        case second(typeID: Int32)
    }

    /// For one text.
    let single: [Piece]

    /// For two texts.
    let pair: [Piece]

    /// No special tokens.
    static let plain = SequenceTemplate(
        single: [.first(typeID: 0)],
        pair: [.first(typeID: 0), .second(typeID: 1)]
    )

    /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`.
    static func bert(cls: Int32, sep: Int32) -> SequenceTemplate {
        let start: [Piece] = [
            .special(ids: [cls], typeID: 0), .first(typeID: 0), .special(ids: [sep], typeID: 0),
        ]
        let end: [Piece] = [.second(typeID: 1), .special(ids: [sep], typeID: 1)]
        return SequenceTemplate(single: start, pair: start + end)
    }

    /// A token before each text, another behind it.
    static func surrounding(start: Int32?, end: Int32?) -> SequenceTemplate {
        func special(_ id: Int32?, _ typeID: Int32) -> [Piece] {
            id.map { [.special(ids: [$0], typeID: typeID)] } ?? []
        }
        let first = special(start, 0) + [.first(typeID: 0)] + special(end, 0)
        let second = special(start, 1) + [.second(typeID: 1)] + special(end, 1)
        return SequenceTemplate(single: first, pair: first + second)
    }

    /// A token before the first text.
    static func starting(with start: Int32) -> SequenceTemplate {
        let first: [Piece] = [.special(ids: [start], typeID: 0), .first(typeID: 0)]
        return SequenceTemplate(single: first, pair: first + [.second(typeID: 1)])
    }

    /// `<s> A </s>` and `<s> A </s></s> B </s>`, all in one segment.
    static func roberta(cls: Int32, sep: Int32) -> SequenceTemplate {
        let start: [Piece] = [
            .special(ids: [cls], typeID: 0), .first(typeID: 0), .special(ids: [sep], typeID: 0),
        ]
        let end: [Piece] = [
            .special(ids: [sep], typeID: 0), .second(typeID: 0), .special(ids: [sep], typeID: 0),
        ]
        return SequenceTemplate(single: start, pair: start + end)
    }

    /// How many special tokens are added.
    func specialCount(isPair: Bool) -> Int {
        (isPair ? pair : single).reduce(0) { sum, piece in
            if case .special(let ids, _) = piece { sum + ids.count } else { sum }
        }
    }

    /// Puts tokens together, the first `firstCount` and `secondCount` of each text.
    func assemble(
        _ first: TokenBuffer,
        _ firstCount: Int,
        _ second: TokenBuffer?,
        _ secondCount: Int,
        options: EncodingOptions
    ) -> Encoding {
        var encoding = Encoding()
        let specials = options.addsSpecialTokens ? specialCount(isPair: second != nil) : 0
        encoding.reserve(firstCount + secondCount + specials, tracksSource: options.tracksSource)
        for piece in second == nil ? single : pair {
            switch piece {
            case .special(let ids, let typeID):
                guard options.addsSpecialTokens else { break }
                encoding.append(specials: ids, typeID, tracksSource: options.tracksSource)
            case .first(let typeID):
                encoding.append(first, firstCount, typeID)
            case .second(let typeID):
                if let second { encoding.append(second, secondCount, typeID) }
            }
        }
        return encoding
    }
}

extension Encoding {
    fileprivate mutating func reserve(_ count: Int, tracksSource: Bool) {
        ids.reserveCapacity(count)
        typeIDs.reserveCapacity(count)
        isSpecial.reserveCapacity(count)
        guard tracksSource else { return }
        offsets.reserveCapacity(count)
        wordIDs.reserveCapacity(count)
    }

    fileprivate mutating func append(specials: [Int32], _ typeID: Int32, tracksSource: Bool) {
        ids += specials
        typeIDs += repeatElement(typeID, count: specials.count)
        isSpecial += repeatElement(true, count: specials.count)
        guard tracksSource else { return }
        offsets += repeatElement(0..<0, count: specials.count)
        wordIDs += repeatElement(nil, count: specials.count)
    }

    fileprivate mutating func append(_ tokens: TokenBuffer, _ count: Int, _ typeID: Int32) {
        ids += tokens.ids.prefix(count)
        typeIDs += repeatElement(typeID, count: count)
        isSpecial += repeatElement(false, count: count)
        offsets += tokens.offsets.prefix(count)
        wordIDs += tokens.wordIDs.prefix(count)
    }
}
