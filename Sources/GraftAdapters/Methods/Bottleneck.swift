public import GraftLayers

/// Bottleneck adapters: down-projection, non-linearity, up-projection and a residual connection.
///
/// One configuration covers the placements of the literature, with the presets of `adapters` 1.3.0:
///
/// | preset | placement | paper |
/// |---|---|---|
/// | `double_seq_bn`, `houlsby` | after attention and after feed-forward | [Houlsby et al.](https://arxiv.org/abs/1902.00751) |
/// | `seq_bn`, `pfeiffer` | after feed-forward, behind the block's norm | [Pfeiffer et al.](https://arxiv.org/abs/2005.00247) |
/// | `par_bn`, `scaled_par_bn` | beside the feed-forward | [He et al.](https://arxiv.org/abs/2110.04366) |
/// | `adapter_plus` | after feed-forward, with channel scaling | [Steitz and Roth](https://arxiv.org/abs/2406.06820) |
/// | `compacter`, `compacter++` | as `double_seq_bn`, `seq_bn`, of small factors | [Mahabadi et al.](https://arxiv.org/abs/2106.04647) |
/// | `seq_bn_inv`, `double_seq_bn_inv` | with an invertible adapter at the embeddings | [Pfeiffer et al.](https://arxiv.org/abs/2005.00052) |
///
/// Numerically this is `adapters` 1.3.0 (`methods/modeling.py`, `methods/bottleneck.py`), except
/// where that is wrong: gates average over real tokens, not over padding; whole-number scalings are
/// accepted; `init_weights_seed` gives each layer weights of its own; parallel adapters honour
/// `stochastic_depth`; bottlenecks narrower than `phm_dim` are as wide as that.
public struct Bottleneck: AdapterMethod, Hashable {
    public static let identifier = "bottleneck"

    public static var trainingSettings: Set<String> {
        [
            "dropout", "stochastic_depth", "init_weights", "init_weights_seed", "phm_c_init",
            "phm_init_range", "hypercomplex_nonlinearity",
        ]
    }

    /// Where the residual connection of the adapter starts.
    public enum Residual: Sendable, Hashable {
        /// At the sub-layer's output.
        case output
        /// At the adapter's input, behind the block's norm.
        case input
        /// At the sum of output and block residual, before the norm.
        case sum
    }

    /// What the adapter's output is multiplied with.
    public enum Scaling: Sendable, Hashable {
        case constant(Double)
        /// One trained number.
        case learned
        /// One trained number for each hidden dimension.
        case channel
    }

    /// How new weights start.
    public enum Start: String, Sendable, Hashable, Codable, CaseIterable {
        /// N(0, 0.02²), biases 0: close to the identity.
        case bert
        /// Kaiming uniform down, zero up: exactly the identity.
        case mam = "mam_adapter"
        /// N(0, 0.01²) cut at two deviations, biases 0.
        case houlsby
    }

    /// Hidden size divided by bottleneck size, for all layers or for some.
    public struct ReductionFactor: Sendable, Hashable {
        /// The factor of the layers that have none of their own.
        public var standard: Double?
        /// Factors of single layers, counted from 0.
        public var byLayer: [Int: Double] = [:]

        subscript(layer: Int) -> Double? { byLayer[layer] ?? standard }
    }

    /// Whether an adapter follows attention.
    public var afterAttention = false
    /// Whether an adapter follows a decoder's attention to an encoder.
    public var afterCross = false
    /// Whether an adapter follows the feed-forward.
    public var afterFeedForward = true
    /// How much narrower the bottleneck is than the hidden states.
    public var reductionFactor = ReductionFactor(standard: 16)
    /// The non-linearity in the bottleneck.
    public var activation = Activation.relu
    /// Whether the adapter reads the sum with the block's residual, behind the block's norm.
    public var readsBlockNorm = false
    /// Whether the block's own residual addition and norm follow.
    public var keepsBlockOutput = true
    /// Whether a norm of its own stands before the down-projection.
    public var normBefore = false
    /// Whether a norm of its own stands after the up-projection.
    public var normAfter = false
    /// How new weights start.
    public var start = Start.bert
    /// A seed for the start values instead of the run's.
    public var startSeed: UInt64?
    /// Whether the adapter stands beside the sub-layer instead of after it.
    public var isParallel = false
    /// What the output is multiplied with.
    public var scaling = Scaling.constant(1)
    /// Whether a trained gate, the row's mean of σ(W x), multiplies the output (UniPELT).
    public var isGated = false
    /// Where the adapter's residual connection starts.
    public var residual = Residual.output
    /// Whether the residual is added before ``normAfter`` instead of behind it.
    public var residualBeforeOwnNorm = false
    /// Blocks without adapters (AdapterDrop).
    public var leaveOut: Set<Int> = []
    /// Dropout on the output.
    public var dropout = 0.0
    /// The probability with which a row skips the adapter in training.
    public var stochasticDepth = 0.0
    /// How projections are composed of small factors.
    public var hypercomplex = Hypercomplex()
    /// The adapter at the embeddings, if there is one.
    public var invertible: Invertible?
    /// How much narrower than half the embeddings its networks are inside.
    public var invertibleFactor = 2.0
    /// Whether the model's layer norms are trained too, as Houlsby and others do.
    public var trainsLayerNorms = false

    public static let presets: KeyValuePairs<String, Bottleneck> = [
        "double_seq_bn": double, "houlsby": double,
        "seq_bn": sequential, "pfeiffer": sequential,
        "par_bn": parallel(.constant(4)), "scaled_par_bn": parallel(.learned),
        "adapter_plus": plus,
        "compacter": compacter(double), "compacter++": compacter(sequential),
        "seq_bn_inv": sequential.changed { $0.invertible = .nice },
        "double_seq_bn_inv": double.changed { $0.invertible = .nice },
    ]

    static let sequential = Bottleneck {
        $0.readsBlockNorm = true
    }

    private static let double = Bottleneck {
        $0.afterAttention = true
        $0.activation = .swish
    }

    static func parallel(_ scaling: Scaling) -> Bottleneck {
        Bottleneck {
            $0.reductionFactor.standard = 2
            $0.start = .mam
            $0.isParallel = true
            $0.scaling = scaling
        }
    }

    private static let plus = Bottleneck {
        $0.reductionFactor.standard = 96
        $0.activation = .gelu
        $0.readsBlockNorm = true
        $0.keepsBlockOutput = false
        $0.start = .houlsby
        $0.scaling = .channel
        $0.residual = .input
        $0.stochasticDepth = 0.1
    }

    private static func compacter(_ placement: Bottleneck) -> Bottleneck {
        placement.changed {
            $0.reductionFactor.standard = 32
            $0.activation = .gelu
            $0.hypercomplex.isUsed = true
        }
    }

    private init(_ change: (inout Bottleneck) -> Void) {
        change(&self)
    }

    private func changed(_ change: (inout Bottleneck) -> Void) -> Bottleneck {
        var result = self
        change(&result)
        return result
    }

    public func warnings(for sites: SiteMap, isSequenceTask: Bool) -> [String] {
        guard let hidden = sites.hidden.first else { return [] }
        var lines: [String] = []
        for factor in Set(
            [reductionFactor.standard].compactMap(\.self) + reductionFactor.byLayer.values
        )
        .sorted() {
            let width = max(1, Int(Double(hidden.size) / factor))
            if width < 8 {
                lines.append(
                    "a bottleneck of \(width) is small for \(hidden.size) hidden dimensions and may"
                        + " underfit (hint: reduction_factor=\(max(1, hidden.size / 48)))"
                )
            } else if width >= hidden.size {
                lines.append(
                    "a bottleneck of \(width) is as wide as the hidden states"
                        + " (\(hidden.size)): it compresses nothing (hint: reduction_factor=16)"
                )
            }
        }
        if !keepsBlockOutput, isParallel || !readsBlockNorm {
            lines.append(
                "original_ln_after=false loses the block's residual connection"
                    + " (hint: original_ln_before=true with is_parallel=false)"
            )
        }
        if isSequenceTask, afterAttention, !afterFeedForward {
            lines.append(
                "adapters after attention only are weak on sequence-level tasks"
                    + " (hint: output_adapter=true)"
            )
        }
        return lines
    }
}

extension Bottleneck {
    // A gate is a mean over the whole row.
    public var settingThatLooksAhead: String? { isGated ? "use_gating" : nil }
}
