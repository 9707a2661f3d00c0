internal import GraftLayers
internal import GraftTorch

/// What a model reads of rows, held compactly, and how some of them become a batch.
///
/// Training, evaluation and prediction see of a row its number and its length in tokens alone, be it text or a
/// picture.
protocol RowInputs: Sendable {
    /// The number of rows.
    var count: Int { get }

    /// The tokens that the model makes of a row.
    func length(_ row: Int) -> Int

    /// How many rows of the batch a row makes: more than one where a row is a choice among several.
    func sequenceCount(_ row: Int) -> Int

    /// The tokens of what the longest row limits: all, unless a row has a part with a limit of its own.
    func limitedLength(_ row: Int) -> Int

    /// Gathers rows into a batch; a row's name in it is its index here.
    func batch(_ rows: [Int], device: Device) throws(TorchError) -> any RaggedBatch

    /// The same rows, of which batches hold drawn views.
    ///
    /// - Parameters:
    ///   - augmentation: What is drawn.
    ///   - seed: What it depends on, besides the row.
    /// - Returns: The rows, or `nil` for what is no picture.
    func augmented(_ augmentation: Augmentation, seed: UInt64) -> (any RowInputs)?

    /// Appends everything that the model sees of the rows.
    func append(to bytes: inout HashedBytes)
}

extension RowInputs {
    func sequenceCount(_ row: Int) -> Int { 1 }

    func limitedLength(_ row: Int) -> Int { length(row) }

    func augmented(_ augmentation: Augmentation, seed: UInt64) -> (any RowInputs)? { nil }
}

/// Bytes that are hashed in the end.
struct HashedBytes {
    private(set) var bytes: [UInt8] = []

    /// Appends numbers, eight bytes each.
    mutating func append(_ numbers: some Sequence<some FixedWidthInteger>) {
        for number in numbers {
            var rest = UInt64(truncatingIfNeeded: number)
            for _ in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: rest))
                rest >>= 8
            }
        }
    }
}
