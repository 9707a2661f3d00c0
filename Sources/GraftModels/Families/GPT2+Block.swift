internal import GraftLayers
internal import GraftTorch

extension PreNormBlock {
    /// A block of GPT-2, whose query, key and value are one matrix.
    init(_ configuration: GPT2.Configuration, layer: Int, _ scope: ParameterScope) throws {
        let (hidden, inner) = (configuration.hiddenSize, configuration.innerSize)
        func norm(_ name: String) throws -> LayerNorm {
            try LayerNorm(hidden, epsilon: configuration.normEpsilon, scope / name)
        }
        func projections(_ input: Int, into outputs: [Int], _ part: String, _ name: String) throws
            -> [Linear]
        {
            try Linear.transposed(input, into: outputs, scope / part / name)
        }
        let inputs = try projections(hidden, into: [hidden, hidden, hidden], "attn", "c_attn")
        self.init(
            Parts(
                query: inputs[0],
                key: inputs[1],
                value: inputs[2],
                attentionOutput: try projections(hidden, into: [hidden], "attn", "c_proj")[0],
                up: try projections(hidden, into: [inner], "mlp", "c_fc")[0],
                down: try projections(inner, into: [hidden], "mlp", "c_proj")[0],
                attentionNorm: try norm("ln_1"),
                feedForwardNorm: try norm("ln_2")
            ),
            attention: AttentionShape(
                heads: configuration.headCount,
                headSize: hidden / configuration.headCount,
                scale: configuration.scales[layer],
                isCausal: true,
                dropout: configuration.attentionDropout
            ),
            activation: configuration.activation,
            dropout: configuration.residualDropout,
            .decoder,
            layer: layer,
            of: configuration.layerCount
        )
    }
}

extension Linear {
    /// Asks `scope` for a `weight` that is stored as [input, output], and for its `bias`, as the
    /// `Conv1D` of `transformers` does, and views parts of it as projections.
    ///
    /// - Parameters:
    ///   - input: The width of what they read.
    ///   - outputs: The widths of what each of them computes, in the order of the columns.
    ///   - scope: Where the parameters are.
    /// - Returns: A projection for each of `outputs`.
    /// - Throws: What the scope throws.
    fileprivate static func transposed(
        _ input: Int,
        into outputs: [Int],
        _ scope: ParameterScope
    ) throws -> [Linear] {
        let width = outputs.reduce(0, +)
        let weight = try scope.parameter("weight", shape: [input, width]).transposed(0, 1)
        let bias = try scope.parameter("bias", shape: [width])
        var start = 0
        return try outputs.map { output in
            defer { start += output }
            let part = start..<start + output
            return Linear(
                weight: DenseWeight(try weight.narrowed(part)),
                bias: try bias.narrowed(part),
                stored: StoredProjection(scope.path, isTransposed: true, outputs: part)
            )
        }
    }
}
