import Foundation
import GraftTestSupport
import GraftTraining
import Testing

@Suite("Metrics of text against sacrebleu 2.6.0, rouge-score 0.1.2, transformers 4.57.6")
struct TextMetricsTests {  // Tools/reference/text_metrics.py, seed 20261125
    private struct Reference: Decodable {
        struct Row: Decodable {
            let prediction: String
            let references: [String]
            let exact_match: Double
            let token_f1: Double
            let rouge_l: Double
            let bleu: Double
            let chrf: Double
        }

        struct Corpus: Decodable {
            let rows: [Int]
            let bleu: Double
            let chrf: Double
        }

        let rows: [Row]
        let corpora: [Corpus]
        let scores: [[Float]]
        let labels: [Int]
        let recall: [String: Double]
    }

    private let reference: Reference

    init() throws {
        let data = try Data(contentsOf: Fixture.folder.appending(path: "text_metrics.json"))
        reference = try JSONDecoder().decode(Reference.self, from: data)
        try #require(reference.rows.count == 60)
    }

    private func isClose(_ value: Double, _ expected: Double) -> Bool {
        abs(value - expected) <= 1e-12 * max(1, abs(expected))
    }

    @Test func `every row has the figures of the reference`() {
        for row in reference.rows {
            let (text, others) = (row.prediction, row.references)
            #expect(AnswerMetrics.exactMatch(text, others) == row.exact_match, "\(row)")
            #expect(isClose(AnswerMetrics.tokenF1(text, others), row.token_f1), "\(row)")
            #expect(isClose(RougeL.score(text, references: others), row.rouge_l), "\(row)")
            #expect(isClose(BLEU.score([text], references: [others]), row.bleu), "\(row)")
            #expect(isClose(CHRF.score([text], references: [others]), row.chrf), "\(row)")
        }
    }

    @Test func `corpora have the figures of the reference`() {
        for corpus in reference.corpora {
            let rows = reference.rows[corpus.rows[0]..<corpus.rows[1]]
            let (texts, others) = (rows.map(\.prediction), rows.map(\.references))
            #expect(isClose(BLEU.score(texts, references: others), corpus.bleu))
            #expect(isClose(CHRF.score(texts, references: others), corpus.chrf))
        }
    }

    @Test func `recall equals the reference`() {
        #expect(reference.recall.count == 4)
        for (k, expected) in reference.recall {
            let value = RetrievalMetrics.recall(
                at: Int(k) ?? 0,
                scores: reference.scores,
                relevant: reference.labels.map { [$0] }
            )
            #expect(isClose(value, expected))
        }
    }

    @Test func `any of several right candidates is enough, and the first of equals is better`() {
        func recall(_ k: Int, _ scores: [Float], _ relevant: [Int]) -> Double {
            RetrievalMetrics.recall(at: k, scores: [scores], relevant: [relevant])
        }
        #expect(recall(1, [1, 3, 2], [0, 1]) == 1)
        #expect(recall(1, [2, 2], [1]) == 0)
        #expect(recall(1, [2, 2], [0]) == 1)
        #expect(recall(1, [.nan, 1], [1]) == 1)
        #expect(recall(2, [1, 3, 2], []) == 0)
        #expect(RetrievalMetrics.recall(at: 1, scores: [], relevant: []).isNaN)
    }

    @Test func `losses have their perplexity and bits`() {
        #expect(isClose(LanguageModelMetrics.perplexity(meanLoss: log(50)), 50))
        // A uniform distribution over 256 bytes needs 8 bits for each.
        let loss = 100 * log(256.0)
        #expect(isClose(LanguageModelMetrics.bitsPerByte(totalLoss: loss, byteCount: 100), 8))
        #expect(LanguageModelMetrics.bitsPerByte(totalLoss: 1, byteCount: 0).isNaN)
    }

    @Test func `no references, no agreement`() {
        #expect(AnswerMetrics.exactMatch("a", []) == 0)
        #expect(AnswerMetrics.tokenF1("a", []) == 0)
        #expect(RougeL.score("a", references: []) == 0)
        #expect(BLEU.score([], references: []) == 0)
        #expect(CHRF.score([], references: []) == 0)
        #expect(CHRF.score(["a"], references: [[]]) == 0)
        #expect(!Metric.perplexity.higherIsBetter && Metric.bleu.higherIsBetter)
    }
}
