internal import Foundation
internal import GraftData
internal import GraftModels
internal import GraftTraining

/// What one adapter says about rows.
struct AnsweredRows {
    /// The adapter's folder.
    let adapter: String
    let kind: HeadKind
    let rows: Dataset
    let answers: [Predictor.Answer]

    /// A row of the output.
    ///
    /// - Parameters:
    ///   - row: Which row.
    ///   - adapter: The adapter to name, where several answer.
    ///   - logits: Whether to tell logits.
    /// - Returns: One object.
    func json(_ row: Int, adapter: String?, logits: Bool) -> JSONValue {
        let answer = answers[row]
        var members = [JSONValue.Member("id", rows[row].id.json)]
        if let adapter { members.append(.init("adapter", .string(adapter))) }
        let labels = answer.labels.map { JSONValue.string($0) }
        switch kind {
        case .classification: members.append(.init("label", labels.first ?? .null))
        case .multiLabel: members.append(.init("labels", .array(labels)))
        case .tagging:
            // A word that was not read has none.
            members.append(.init("tags", .array(labels.map { $0 == .string("") ? .null : $0 })))
        case .imageText: break
        case .seq2seq: members.append(.init("text", labels.first ?? .null))
        case .questionAnswering:
            members += [
                .init("answer", labels.first ?? .null),
                .init("start", answer.span.map { .integer($0.lowerBound) } ?? .null),
                .init("end", answer.span.map { .integer($0.upperBound) } ?? .null),
                .init("score", answer.scores.first.map { .number($0.score) } ?? .null),
            ]
        case .multipleChoice:
            let number = answer.labels.first.flatMap { Int($0) } ?? 0
            members += [
                .init("label", .integer(number)),
                .init("choice", rows[row].choices.map { .string($0[number]) } ?? .null),
                .init("scores", .array(answer.scores.map { .number($0.score) })),
            ]
        case .regression, .causalLM:
            let name = kind == .regression ? "value" : "log_probability"
            members.append(.init(name, answer.scores.first.map { .number($0.score) } ?? .null))
        }
        if kind == .classification || kind == .multiLabel {
            let scores = answer.scores.map { JSONValue.Member($0.label, .number($0.score)) }
            members.append(.init("scores", .object(scores)))
        }
        if logits {
            let values = answer.logits.map { list in
                list.isEmpty ? JSONValue.null : .array(list.map { .number(shortest: $0) })
            }
            // A list for each word of a tagged row, else the row's own.
            members.append(
                .init("logits", kind.answersTokens ? .array(values) : values[0])
            )
        }
        return .object(members)
    }

    /// What several adapters say about the same rows, side by side.
    static func table(_ parts: [AnsweredRows]) -> Table {
        guard let rows = parts.first?.rows else { return Table(rows: []) }
        let input = rows.schema.input == .picture ? "image" : "text"
        // A composition is no path, though its members are.
        let header =
            parts.map {
                $0.adapter.contains("(") ? $0.adapter : URL(filePath: $0.adapter).lastPathComponent
            } + [input]
        let lines = rows.indices.map { row in
            parts.map { $0.text(row) } + [shortened(rows[row].text)]
        }
        return Table(rows: [header] + lines)
    }

    private func text(_ row: Int) -> String {
        let answer = answers[row]
        switch kind {
        case .classification:
            let score = answer.scores.map(\.score).max() ?? 0
            return "\(answer.labels.first ?? "") \(Figures.percent(score))"
        case .multiLabel: return answer.labels.joined(separator: ", ")
        case .tagging:
            return answer.labels.map { $0.isEmpty ? "-" : $0 }.joined(separator: " ")
        case .seq2seq: return answer.labels.joined()
        case .questionAnswering, .multipleChoice:
            let number = answer.labels.first.flatMap { Int($0) }
            let choice = number.flatMap { rows[row].choices?[$0] } ?? answer.labels.first ?? ""
            let score = answer.scores.map(\.score).max() ?? 0
            return "\(choice) \(Figures.percent(score))"
        case .imageText: return ""
        case .regression, .causalLM: return Figures.score(answer.scores.first?.score ?? .nan)
        }
    }

    private static func shortened(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count > 72 ? line.prefix(71) + "…" : line
    }
}
