internal import Foundation
public import GraftTorch

/// The angles by which rotary position embeddings turn the heads of each token.
///
/// Reference: Su et al., [RoFormer](https://arxiv.org/abs/2104.09864); halves of a head form the
/// pairs, as in `transformers` 4.57.6, `models/llama/modeling_llama.py`, `rotate_half`.
public struct RotaryTable: Sendable {
    private let cosines: Tensor  // [tokens, half]
    private let sines: Tensor  // [tokens, half]

    private init(cosines: Tensor, sines: Tensor) {
        self.cosines = cosines
        self.sines = sines
    }

    /// Computes the angles of tokens.
    ///
    /// - Parameters:
    ///   - positions: Each token's place in its row.
    ///   - frequencies: The angle between neighbours, for each pair of a head's elements.
    ///   - device: Where they are needed.
    /// - Throws: `TorchError` if memory runs out.
    public init(
        positions: [Int64],
        frequencies: [Float],
        device: Device = .cpu
    ) throws(TorchError) {
        let angles = positions.flatMap { position in frequencies.map { Float(position) * $0 } }
        let shape = [positions.count, frequencies.count]
        cosines = try Tensor(angles.map { cos($0) }, shape: shape).moved(to: device)
        sines = try Tensor(angles.map { sin($0) }, shape: shape).moved(to: device)
    }

    /// Turns the heads of each token: [tokens, heads · d] -> [tokens, heads · d].
    public func callAsFunction(_ x: Tensor, heads: Int) throws(TorchError) -> Tensor {
        try x.rotated(cosines: cosines, sines: sines, heads: heads)
    }

    /// The angles of some of the tokens.
    public func keeping(_ kept: KeptTokens?) throws(TorchError) -> RotaryTable {
        guard let kept else { return self }
        return RotaryTable(cosines: try kept(cosines), sines: try kept(sines))
    }
}
