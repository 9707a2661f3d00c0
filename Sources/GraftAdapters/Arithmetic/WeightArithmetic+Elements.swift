internal import GraftLayers

extension WeightArithmetic {
    /// Combines changes element by element.
    ///
    /// Reference: `peft` 0.21.2, `utils/merge_utils.py`, but for the elements that `dare` draws, which are a
    /// hash of the seed.
    ///
    /// - Parameters:
    ///   - changes: As many elements of each adapter.
    ///   - name: What they are of, on which random choices depend.
    /// - Returns: As many elements.
    func combined(_ changes: [[Float]], of name: String) -> [Float] {
        let left = changes.enumerated().map { index, values in
            switch operation {
            case .ties: trimmed(values)
            case .dare, .dareTies: dropped(values, key: StableHash.of("\(index).\(name)"))
            default: values
            }
        }
        let count = left.first?.count ?? 0
        guard operation.electsSigns else {
            return (0..<count).map { element in
                zip(left, weights).reduce(0) { $0 + Float($1.1) * $1.0[element] }
            }
        }
        return (0..<count).map { element in
            var balance: Float = 0
            for values in left {
                balance += election == .total ? values[element] : values[element].signValue
            }
            let elected: Float = balance >= 0 ? 1 : -1
            var (sum, voices): (Float, Float) = (0, 0)
            for (values, weight) in zip(left, weights)
            where values[element].signValue == elected {
                sum += Float(weight) * values[element]
                voices += 1
            }
            return sum / max(voices, 1)
        }
    }

    /// The largest elements, the others 0; of equal ones, the first.
    private func trimmed(_ values: [Float]) -> [Float] {
        let count = Int(density * Double(values.count))
        guard count < values.count else { return values }
        guard count > 0 else { return [Float](repeating: 0, count: values.count) }
        let least = values.map(\.magnitude).sorted(by: >)[count - 1]
        var ties = count - values.count { $0.magnitude > least }
        return values.map { value in
            if value.magnitude > least { return value }
            guard value.magnitude == least, ties > 0 else { return 0 }
            ties -= 1
            return value
        }
    }

    /// Every element with the probability of the density, divided by it; the others 0.
    private func dropped(_ values: [Float], key: UInt64) -> [Float] {
        guard density < 1 else { return values }
        let key = StableHash.mix(seed, key)
        let scale = Float(1 / density)
        return values.enumerated().map { index, value in
            let uniform = Double(StableHash.mix(key, UInt64(index)) >> 11) * 0x1p-53
            return uniform < density ? value * scale : 0
        }
    }
}

extension Float {
    /// -1, 0 or 1.
    fileprivate var signValue: Float { self > 0 ? 1 : self < 0 ? -1 : 0 }
}
