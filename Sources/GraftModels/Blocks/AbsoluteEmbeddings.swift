internal import GraftLayers
internal import GraftTorch

/// Word, position and, where a family has them, segment embeddings, their sum normalised.
struct AbsoluteEmbeddings: Sendable {
    let words: Tensor  // [vocabulary, width]
    let positions: Tensor  // [positions, width]
    let types: Tensor?  // [types, width]
    let readsTypes: Bool
    let paddingIndex: Int?
    let norm: LayerNorm
    let dropout: Double
    /// From the embeddings' width to that of the hidden states, where they differ.
    let projection: Linear?

    static let site = Site(.encoder, layer: nil, .embeddings)
    static let normSite = Site(.encoder, layer: nil, .embeddingNorm)

    /// Asks `scope` for the tables below `embeddings`, and for `embeddings_project`.
    init(_ configuration: PostNormConfiguration, _ scope: ParameterScope) throws {
        let width = configuration.embeddingSize ?? configuration.hiddenSize
        let names = scope / "embeddings"
        func table(_ name: String, _ entries: Int) throws -> Tensor {
            try (names / name).parameter("weight", shape: [entries, width])
        }
        words = try table("word_embeddings", configuration.vocabularySize)
        positions = try table("position_embeddings", configuration.positions)
        let hasTypes = configuration.typeCount > 0
        types = hasTypes ? try table("token_type_embeddings", configuration.typeCount) : nil
        readsTypes = configuration.readsTypes
        paddingIndex = configuration.paddingIndex
        norm = try LayerNorm(width, epsilon: configuration.normEpsilon, names / "LayerNorm")
        dropout = configuration.hiddenDropout
        projection =
            width == configuration.hiddenSize
            ? nil : try Linear(width, configuration.hiddenSize, scope / "embeddings_project")
    }

    func publish(in sites: inout SiteMap) {
        let site = AbsoluteEmbeddings.site
        sites.norm.append(NormSite(AbsoluteEmbeddings.normSite, norm))
        sites.embedding.append(EmbeddingSite(site, words: words, size: words.size(1)))
    }

    // -> [tokens, hidden]
    func callAsFunction(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        let site = AbsoluteEmbeddings.site
        var sum = try words.embedding(batch.ids)
        if let types {
            // The first segment's row is added to all tokens where segments are not read.
            sum = try sum + (readsTypes ? types.embedding(batch.typeIDs) : types.narrowed(0..<1))
        }
        sum = try sum + positions.embedding(places(of: batch))
        let norm = context.normalization(norm, at: AbsoluteEmbeddings.normSite)
        let embedded = try context.finishEmbeddings(
            context.dropout(norm(sum), dropout, at: site),
            at: site
        )
        return try projection?(embedded) ?? embedded
    }

    /// Which of the positions each token has: int64 [tokens].
    ///
    /// Where positions are counted behind the padding's, a padding token within a row has the
    /// padding's own, and the tokens behind it go on as if it were not there (`transformers`,
    /// `create_position_ids_from_input_ids`).
    private func places(of batch: TokenBatch) throws(TorchError) -> Tensor {
        guard let paddingIndex else { return batch.positions }
        let ids: [Int64] = try batch.ids.values()
        let (padding, offsets) = (Int64(paddingIndex), batch.layout.offsets)
        var places: [Int64] = []
        places.reserveCapacity(ids.count)
        for (start, end) in zip(offsets, offsets.dropFirst()) {
            var next = padding + 1
            for id in ids[Int(start)..<Int(end)] {
                places.append(id == padding ? padding : next)
                next += id == padding ? 0 : 1
            }
        }
        return try Tensor(places)
    }
}
