/// The rows of a data set, column by column.
///
/// Strings of a column lie end to end in one buffer, so a row costs its text and some thirty bytes, and
/// no heap blocks of its own. Labels are interned: a row holds the number of a name, in the order in which
/// names first appear.
struct RowStore: Sendable {
    private(set) var lines: [UInt32] = []
    private(set) var ids = TextColumn()
    private(set) var texts = TextColumn()
    private(set) var pairs = TextColumn()
    private(set) var words = RowBounds()
    private(set) var codes: [Int32] = []
    private(set) var codeBounds = RowBounds()
    private(set) var numbers: [Double] = []
    private(set) var targets = TextColumn()
    private(set) var targetBounds = RowBounds()
    /// Where those targets begin that stand in a text.
    private(set) var targetStarts: [Int32] = []
    /// The distinct labels, in order of first appearance.
    private(set) var labels: [String] = []
    private var codeOfLabel: [String: Int32] = [:]

    var count: Int { lines.count }

    /// The bytes that the rows take, less the few distinct labels.
    var byteCount: Int {
        let text = ids.byteCount + texts.byteCount + pairs.byteCount + targets.byteCount
        let numeric = 4 * (lines.count + targetStarts.count) + 4 * codes.count + 8 * numbers.count
        let bounds = words.byteCount + codeBounds.byteCount + targetBounds.byteCount
        return text + numeric + bounds
    }

    mutating func append(_ row: CheckedRow) {
        lines.append(UInt32(clamping: row.line))
        if let id = row.id { ids.append(id.stored) }
        switch row.input {
        case .text(let text, let pair):
            texts.append(text)
            if let pair { pairs.append(pair) }
        case .words(let list):
            append(list)
        case .writing(let text): append([text])
        case .messages(let messages): append(messages.stored)
        case .choices(let text, let choices): append([text] + choices)
        }
        switch row.target {
        case nil: break
        case .category(let label): codes.append(code(of: label))
        case .categories(let list), .tags(let list):
            for label in list { codes.append(code(of: label)) }
            codeBounds.append(length: list.count)
        case .number(let number): numbers.append(number)
        case .text(let text): targets.append(text)
        case .texts(let list):
            for text in list { targets.append(text) }
            targetBounds.append(length: list.count)
        case .spans(let list):
            for span in list {
                targets.append(span.text)
                targetStarts.append(Int32(span.start))
            }
            targetBounds.append(length: list.count)
        case .choice(let number): numbers.append(Double(number))
        }
    }

    private mutating func append(_ list: [String]) {
        for text in list { texts.append(text) }
        words.append(length: list.count)
    }

    private mutating func code(of label: String) -> Int32 {
        if let code = codeOfLabel[label] { return code }
        let code = Int32(labels.count)
        labels.append(label)
        codeOfLabel[label] = code
        return code
    }

    func row(_ index: Int, schema: RowSchema) -> Row {
        let id = ids.count > 0 ? RowID(stored: ids[index]) : .number(index)
        let line = Int(lines[index])
        let target = target(index, schema.target)
        switch schema.input {
        case .text, .picture, .question:
            let pair = pairs.count > 0 ? pairs[index] : nil
            return Row(
                id: id,
                line: line,
                text: texts[index],
                pair: pair,
                words: nil,
                target: target
            )
        case .words:
            let list = words[index].map { texts[$0] }
            let text = list.joined(separator: " ")
            return Row(id: id, line: line, text: text, pair: nil, words: list, target: target)
        case .writing:
            let list = words[index].map { texts[$0] }
            let messages = [RowMessage](stored: list)
            let text = messages?.map(\.content).joined(separator: "\n") ?? list[0]
            return Row(id: id, line: line, text: text, messages: messages, target: target)
        case .choices:
            let list = words[index].map { texts[$0] }
            return Row(
                id: id,
                line: line,
                text: list[0],
                choices: Array(list.dropFirst()),
                target: target
            )
        }
    }

    private func target(_ index: Int, _ kind: RowSchema.Target?) -> RowTarget? {
        func names() -> [String] { codes[codeBounds[index]].map { labels[Int($0)] } }
        return switch kind {
        case nil: nil
        case .category: .category(labels[Int(codes[index])])
        case .categories: .categories(names())
        case .number: .number(numbers[index])
        case .tags: .tags(names())
        case .text: targets.count > 0 ? .text(targets[index]) : nil
        case .texts: .texts(targetBounds[index].map { targets[$0] })
        case .spans:
            .spans(
                targetBounds[index].map {
                    AnswerSpan(text: targets[$0], start: Int(targetStarts[$0]))
                }
            )
        case .choice: .choice(Int(numbers[index]))
        }
    }
}

/// A row that has everything its schema asks for.
struct CheckedRow {
    enum Input {
        case text(String, pair: String?)
        case words([String])
        case writing(String)
        case messages([RowMessage])
        case choices(String, [String])
    }

    let line: Int
    let id: RowID?
    let input: Input
    let target: RowTarget?
}
