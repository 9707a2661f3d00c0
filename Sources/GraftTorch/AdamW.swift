internal import CGraftTorch

/// Adam with decoupled weight decay over one flat buffer.
///
/// Reference: Loshchilov and Hutter,
/// [Decoupled Weight Decay Regularization](https://arxiv.org/abs/1711.05101), algorithm 2; step by
/// step as `torch.optim.AdamW`.
public struct AdamW: Sendable {
    /// The settings that stay over a training run.
    public struct Settings: Sendable, Hashable, Codable {
        /// The decay of the gradients' mean.
        public var beta1 = 0.9
        /// The decay of the squared gradients' mean.
        public var beta2 = 0.999
        /// What is added to the root of the second moment.
        public var epsilon = 1e-8
        /// The share of a parameter that a step at learning rate 1 removes.
        public var weightDecay = 0.0

        /// torch's defaults, without weight decay.
        public init() {}
    }

    /// The settings that stay over a training run.
    public let settings: Settings
    /// Running mean of the gradients: float32 [count].
    public let firstMoment: Tensor
    /// Running mean of the squared gradients: float32 [count].
    public let secondMoment: Tensor
    /// Steps done.
    public private(set) var step: Int

    /// Creates an optimizer of a buffer at step 0, or one that goes on from stored moments.
    public init(
        for parameters: ParameterBuffer,
        settings: Settings,
        resuming state: (firstMoment: Tensor, secondMoment: Tensor, step: Int)? = nil
    ) throws(TorchError) {
        self.settings = settings
        firstMoment = try Tensor(zeros: [parameters.count], device: parameters.values.device)
        secondMoment = try Tensor(zeros: [parameters.count], device: parameters.values.device)
        step = state?.step ?? 0
        if let state {
            for (target, source) in [
                (firstMoment, state.firstMoment), (secondMoment, state.secondMoment),
            ] {
                let status = target.withRaw { t in source.withRaw { gt_tensor_copy_into(t, $0) } }
                try check(status, "resume", [target, source])
            }
        }
    }

    /// Moves a range of `parameters` against `gradients` (float32 [count]), in place, on this
    /// thread.
    ///
    /// Ranges that cover the buffer may be updated at once by several threads; ``finishStep()``
    /// ends the step.
    public func update(
        _ range: Range<Int>,
        of parameters: ParameterBuffer,
        gradients: Tensor,
        learningRate: Double
    ) throws(TorchError) {
        var values = gt_adamw(
            learning_rate: learningRate,
            beta1: settings.beta1,
            beta2: settings.beta2,
            epsilon: settings.epsilon,
            weight_decay: settings.weightDecay,
            step: Int64(step + 1),
            first: Int64(range.lowerBound),
            count: Int64(range.count)
        )
        let status = parameters.values.withRaw { p in
            gradients.withRaw { g in
                firstMoment.withRaw { m in
                    secondMoment.withRaw { gt_adamw_step(p, g, m, $0, &values) }
                }
            }
        }
        try check(status, "adamw", [parameters.values, gradients])
    }

    /// Counts the step that all ranges were updated in.
    public mutating func finishStep() { step += 1 }
}
