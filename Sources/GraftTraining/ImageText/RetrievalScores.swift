internal import GraftTorch

/// Scores how well texts find their images and images their texts.
///
/// - Parameters:
///   - places: For each pair, its image's place and then its text's, as `ImageTextModel.pairEmbeddings` gives them.
///   - images: For each pair, the number of its image.
/// - Returns: Recall at 1, 5 and 10 of images by text and of texts by image, and the mean of both.
/// - Throws: ``MetricsError`` if there are no pairs; `TorchError` if memory runs out.
package func retrievalMetrics(_ places: [[Float]], images: [Int]) throws -> Metrics {
    guard let width = places.first.map({ $0.count / 2 }) else { throw MetricsError.noRows }
    var pairsOfImage: [Int: [Int]] = [:]
    for (pair, image) in images.enumerated() { pairsOfImage[image, default: []].append(pair) }
    let order = pairsOfImage.keys.sorted()
    let placeOfImage = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    let pairs = order.map { pairsOfImage[$0] ?? [] }
    let imagePlaces = try Tensor(rows: pairs.map { places[$0[0]].prefix(width) })
    let textPlaces = try Tensor(rows: places.map { $0.suffix(width) })
    let ofTexts = try recalls(of: imagePlaces, among: textPlaces, relevant: pairs)
    let ofImages = try recalls(
        of: textPlaces,
        among: imagePlaces,
        relevant: images.map { [placeOfImage[$0] ?? 0] }
    )
    let names: [(Metric, Metric, Metric)] = [
        (.textRecallAt1, .imageRecallAt1, .recallAt1),
        (.textRecallAt5, .imageRecallAt5, .recallAt5),
        (.textRecallAt10, .imageRecallAt10, .recallAt10),
    ]
    var metrics = Metrics([:])
    for (index, (texts, images, both)) in names.enumerated() {
        metrics[texts] = ofTexts[index]
        metrics[images] = ofImages[index]
        metrics[both] = (ofTexts[index] + ofImages[index]) / 2
    }
    return metrics
}

/// Recall at 1, 5 and 10, some queries at a time, so that not all scores are in memory at once.
private func recalls(
    of queries: Tensor,
    among candidates: Tensor,
    relevant: [[Int]]
) throws -> [Double] {
    var found = [0.0, 0.0, 0.0]
    for first in stride(from: 0, to: relevant.count, by: 256) {
        let range = first..<min(first + 256, relevant.count)
        let scores: [Float] = try queries.narrowed(range).matmul(candidates.transposed(0, 1))
            .values()
        let width = candidates.size(0)
        let rows = range.indices.map { index in
            Array(scores[(index - first) * width..<(index - first + 1) * width])
        }
        for (index, k) in [1, 5, 10].enumerated() {
            let share = RetrievalMetrics.recall(
                at: k,
                scores: rows,
                relevant: Array(relevant[range])
            )
            found[index] += share * Double(range.count)
        }
    }
    return found.map { $0 / Double(relevant.count) }
}

extension Tensor {
    /// Rows of numbers, all as long: float32 [rows, width].
    init<Row: Collection<Float>>(rows: some Collection<Row>) throws(TorchError) {
        let width = rows.first?.count ?? 0
        try self.init(rows.flatMap { Array($0) }, shape: [rows.count, width])
    }
}
