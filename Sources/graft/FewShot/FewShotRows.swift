internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// Pictures with a class each, placed by a CLIP model.
struct FewShotRows {
    let features: Tensor
    let labels: [Int]

    init(_ rows: TaskRows, _ classifier: ZeroShotClassifier, on base: BaseModel) throws {
        labels = try rows.answers.classes(classifier.classes)
        features = try classifier.encoder.images(
            base.encoded(rows, maxLength: 1, kind: .classification, labels: nil)
        )
        guard try features.isFinite, try classifier.weights.isFinite else {
            throw CommandError(
                "\(base.path): the places of pictures or classes are not finite",
                hint: "the model's weights are damaged, or too large for --dtype"
            )
        }
    }

    private init(features: Tensor, labels: [Int]) {
        (self.features, self.labels) = (features, labels)
    }

    /// The class with the fewest rows.
    func smallestClass(of count: Int) -> (label: Int, pictures: Int)? {
        (0..<count).map { label in (label, labels.count { $0 == label }) }.min { $0.1 < $1.1 }
    }

    /// Some rows of each class, or all where there are not as many.
    func chosen(_ count: Int, classes: Int, seed: UInt64) throws -> FewShotRows {
        let rows = (0..<classes).flatMap { label in
            let own = labels.indices.filter { labels[$0] == label }
            return own.sorted { key($0, seed) < key($1, seed) }.prefix(count)
        }
        return FewShotRows(
            features: try features.selecting(Tensor(rows.map(Int64.init))),
            labels: rows.map { labels[$0] }
        )
    }

    /// Where a row comes in the order of a seed, so that more shots have the fewer among them.
    private func key(_ row: Int, _ seed: UInt64) -> UInt64 {
        StableHash.mix(seed, UInt64(row))
    }
}
