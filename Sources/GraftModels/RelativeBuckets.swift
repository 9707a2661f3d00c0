internal import Foundation
internal import GraftTorch

/// Which entry of T5's table of biases belongs to a distance: one for each short distance, then one for ever
/// longer stretches.
///
/// Reference: Raffel et al., [T5](https://arxiv.org/abs/1910.10683), section 2.1; numerically `transformers`
/// 4.57.6, `T5Attention._relative_position_bucket`, float32 logarithms included.
package struct RelativeBuckets: Sendable {
    /// Entries of the table.
    let count: Int
    /// The distance from which on all have one entry.
    let farthest: Int
    /// Whether keys behind a query have entries of their own; otherwise they have that of its own place.
    let isBidirectional: Bool

    /// Describes a table.
    package init(count: Int, farthest: Int, isBidirectional: Bool) {
        self.count = count
        self.farthest = farthest
        self.isBidirectional = isBidirectional
    }

    /// The entry of a key that stands so many tokens behind the query; before it, if negative.
    package func callAsFunction(_ distance: Int) -> Int {
        let count = isBidirectional ? count / 2 : count
        let first = isBidirectional && distance > 0 ? count : 0
        let distance = isBidirectional ? abs(distance) : max(0, -distance)
        let exact = count / 2
        guard distance >= exact else { return first + distance }
        let stretch =
            log(Float(distance) / Float(exact))
            / Float(log(Double(farthest) / Double(exact))) * Float(count - exact)
        return first + min(count - 1, exact + Int(stretch))
    }

    /// The biases of all distances within rows.
    ///
    /// - Parameters:
    ///   - table: [buckets, heads]
    ///   - longest: Tokens of the longest row.
    /// - Returns: For each head a column for each distance.
    /// - Throws: `TorchError` if memory runs out.
    func biases(of table: Tensor, longest: Int) throws(TorchError) -> RelativeBias {
        let reach = max(longest - 1, 0)
        let entries = (-reach...reach).map { Int64(self($0)) }
        let rows = try table.selecting(Tensor(entries).moved(to: table.device))
        return RelativeBias(table: try rows.transposed(0, 1), origin: reach)
    }
}
