import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Views in training")
struct ViewTests {
    private let pictures: CaptionedPictures
    private let augmentation: Augmentation

    init() throws {
        pictures = try CaptionedPictures()
        augmentation = try Augmentation("flip,crop=0.3")
    }

    private func pixels(_ rows: EncodedRows, _ wanted: [Int]) throws -> Tensor {
        try #require(rows.batch(wanted) as? ImageTextBatch).images.pixels
    }

    @Test func `a view is a function of the seed and the row, and the rows stay whole`() throws {
        let rows = pictures.rows
        let whole = try pixels(rows, [0, 3, 5])
        let views = try pixels(rows.augmented(augmentation, seed: 1), [0, 3, 5])
        try expectIdentical(pixels(rows.augmented(augmentation, seed: 1), [0, 3, 5]), views)
        let alone = try pixels(rows.augmented(augmentation, seed: 1), [3])
        try expectIdentical(alone, views.narrowed(1..<2).contiguous())
        let others = try pixels(rows.augmented(augmentation, seed: 2), [0, 3, 5])
        for index in 0..<3 {
            let range = index..<index + 1
            #expect(try !others.narrowed(range).isEqual(to: views.narrowed(range)))
            #expect(try !whole.narrowed(range).isEqual(to: views.narrowed(range)))
        }
        try expectIdentical(pixels(rows, [0, 3, 5]), whole)
    }

    private func trainer(_ change: (inout TrainingOptions) -> Void) throws -> Trainer {
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (3, 4, 1)
        options.learningRate = 1e-2
        options.augmentation = augmentation
        change(&options)
        let base = pictures.base
        return try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: "seq_bn[reduction_factor=4]"),
            head: HeadConfiguration(
                .imageText,
                outputCount: base.outputCount(.imageText, labels: nil)
            ),
            labels: [],
            options: options
        )
    }

    @Test func `every step draws anew, and evaluation sees pictures whole`() throws {
        // Nothing moves, so that losses differ by what is seen alone.
        func run(_ augmentation: Augmentation?) throws -> Trainer.Outcome {
            try trainer { ($0.augmentation, $0.learningRate) = (augmentation, 1e-30) }
                .run(on: pictures.rows, evaluation: pictures.rows)
        }
        let (plain, drawn) = (try run(nil), try run(augmentation))
        #expect(drawn.epochs.map(\.metrics) == plain.epochs.map(\.metrics))
        let losses = Set(drawn.steps.map(\.loss))
        #expect(losses.count == drawn.steps.count)
        #expect(losses.isDisjoint(with: plain.steps.map(\.loss)))
    }

    @Test func `an interrupted run draws what it would have drawn`() throws {
        let rows = pictures.rows
        let whole = try trainer { _ in }.run(on: rows, evaluation: rows)
        let resumed = try outcome(interruptedAfter: 3, on: rows) { try trainer { _ in } }
        try expectSame(resumed, whole)
    }
}
