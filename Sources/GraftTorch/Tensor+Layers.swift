internal import CGraftTorch

extension Tensor {
    /// A linear map, `x Wᵀ + b`.
    ///
    /// - Parameters:
    ///   - weight: [output, input]
    ///   - bias: [output]
    /// - Returns: [..., output], where this tensor is [..., input].
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the shapes do not fit.
    public func linear(_ weight: Tensor, bias: Tensor? = nil) throws(TorchError) -> Tensor {
        try linear(weight, bias: bias, panels: nil, gradientPanels: nil)
    }

    /// As the public form, with copies of the weight as `gt_pack_weight` makes them.
    func linear(
        _ weight: Tensor,
        bias: Tensor?,
        panels: Tensor?,
        gradientPanels: Tensor?
    ) throws(TorchError) -> Tensor {
        try Tensor.call("linear", on: [self, weight]) { out in
            withRaw { x in
                weight.withRaw { w in
                    bias.withRaw { b in
                        panels.withRaw { p in
                            gradientPanels.withRaw { gt_linear(x, w, b, p, $0, &out) }
                        }
                    }
                }
            }
        }
    }

    /// Linear maps of one shape over consecutive stretches of rows, `x Wᵢᵀ + bᵢ`, as one operation.
    ///
    /// A stretch gets the bits that ``linear(_:bias:)`` would give it alone.
    ///
    /// - Parameters:
    ///   - weights: For each stretch, [output, input].
    ///   - biases: For each stretch, [output]; or none at all.
    ///   - offsets: Where each stretch starts, and where the last ends: the number of rows.
    /// - Returns: [rows, output], where this tensor is [rows, input].
    /// - Throws: ``TorchError`` of kind `invalidArgument` if shapes differ, or the stretches do not
    ///   cover all rows.
    public func segmentedLinear(
        _ weights: [Tensor],
        biases: [Tensor] = [],
        offsets: [Int64]
    ) throws(TorchError) -> Tensor {
        precondition(offsets.count == weights.count + 1, "\(weights.count) stretches have ends")
        return try Tensor.call("segmented_linear", on: [self] + weights.prefix(1)) { out in
            withRaw { x in
                unsafe Tensor.withRaw(weights) { w, count in
                    unsafe Tensor.withRaw(biases) { b, biasCount in
                        unsafe gt_segmented_linear(x, w, b, biasCount, offsets, count, &out)
                    }
                }
            }
        }
    }

    /// Layer normalisation over the last dimension, then `weight · x + bias` where given.
    public func layerNorm(
        weight: Tensor?,
        bias: Tensor?,
        epsilon: Double
    ) throws(TorchError) -> Tensor {
        try Tensor.call("layer_norm", on: [self]) { out in
            withRaw { x in
                weight.withRaw { w in
                    bias.withRaw { gt_layer_norm(x, w, $0, epsilon, &out) }
                }
            }
        }
    }

    /// Root mean square normalisation over the last dimension, then `weight · x`.
    public func rmsNorm(weight: Tensor?, epsilon: Double) throws(TorchError) -> Tensor {
        try Tensor.call("rms_norm", on: [self]) { out in
            withRaw { x in weight.withRaw { gt_rms_norm(x, $0, epsilon, &out) } }
        }
    }

    /// The rows of this table [entries, width] that `indices` (int64) names: [..., width].
    public func embedding(_ indices: Tensor) throws(TorchError) -> Tensor {
        try Tensor.call("embedding", on: [self, indices]) { out in
            withRaw { w in indices.withRaw { gt_embedding(w, $0, &out) } }
        }
    }

    /// Rotary positions: turns pairs of each head's elements, `i` and `i + half`, by the token's angle.
    ///
    /// - Parameters:
    ///   - cosines: Of the angles: float32 [tokens, half]
    ///   - sines: Likewise.
    ///   - heads: How many heads this tensor, [tokens, heads · d], has; elements of a head behind
    ///     `2 · half` stay.
    /// - Returns: A tensor of this one's shape.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if the shapes do not fit.
    public func rotated(
        cosines: Tensor,
        sines: Tensor,
        heads: Int
    ) throws(TorchError) -> Tensor {
        try Tensor.call("rotary", on: [self, cosines]) { out in
            withRaw { x in
                cosines.withRaw { c in
                    sines.withRaw { gt_rotary(x, c, $0, Int64(heads), &out) }
                }
            }
        }
    }

    /// Zeroes elements with a probability and scales the others so that the mean stays.
    ///
    /// The mask is a hash of `seed`, the row's key and the column: it does not depend on threads or
    /// on how a batch is split, and costs no memory.
    ///
    /// - Parameters:
    ///   - probability: In 0 ..< 1.
    ///   - seed: What distinguishes this place and step from others.
    ///   - keys: int64 [n], a name for each of this tensor's n rows.
    ///   - wholeRows: Whether a row is kept or dropped as one (stochastic depth).
    /// - Returns: A tensor of this one's shape.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if there is not one key for each row.
    public func dropout(
        _ probability: Double,
        seed: UInt64,
        keys: Tensor,
        wholeRows: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor.call("dropout", on: [self, keys]) { out in
            withRaw { x in
                keys.withRaw { gt_dropout(x, probability, seed, $0, wholeRows, &out) }
            }
        }
    }

    /// The mean (or sum) cross entropy of these logits [n, classes]; the label -100 is ignored.
    ///
    /// - Parameters:
    ///   - labels: int64 [n], each in 0 ..< classes, or -100.
    ///   - classWeights: float [classes]; the mean is weighted too, as in torch.
    ///   - smoothing: Probability mass spread evenly over all classes.
    ///   - summed: Whether losses are added up instead of averaged.
    /// - Returns: A scalar.
    /// - Throws: ``TorchError`` of kind `invalidArgument` if shapes do not fit or a label is out of
    ///   range.
    public func crossEntropy(
        _ labels: Tensor,
        classWeights: Tensor? = nil,
        smoothing: Double = 0,
        summed: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor.call("cross_entropy", on: [self, labels]) { out in
            withRaw { x in
                labels.withRaw { y in
                    classWeights.withRaw {
                        gt_cross_entropy(x, y, $0, smoothing, summed, &out)
                    }
                }
            }
        }
    }

    /// The mean (or sum) binary cross entropy of logits and labels (0 to 1) of the same shape.
    public func binaryCrossEntropy(
        _ labels: Tensor,
        summed: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor.call("binary_cross_entropy", on: [self, labels]) { out in
            withRaw { x in
                labels.withRaw { gt_binary_cross_entropy(x, $0, summed, &out) }
            }
        }
    }

    /// The mean (or sum) squared difference from labels of the same shape.
    public func meanSquaredError(
        _ labels: Tensor,
        summed: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor.call("mse", on: [self, labels]) { out in
            withRaw { x in labels.withRaw { gt_mse(x, $0, summed, &out) } }
        }
    }
}
