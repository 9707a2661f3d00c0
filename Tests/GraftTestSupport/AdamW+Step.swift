package import GraftTorch

extension AdamW {
    /// Updates the whole buffer and ends the step.
    package mutating func step(
        _ parameters: ParameterBuffer,
        gradients: Tensor,
        learningRate: Double
    ) throws {
        try update(
            0..<parameters.count,
            of: parameters,
            gradients: gradients,
            learningRate: learningRate
        )
        finishStep()
    }
}
