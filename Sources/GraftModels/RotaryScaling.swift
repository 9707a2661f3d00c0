internal import Foundation
internal import GraftLayers

/// How rotary frequencies are stretched for contexts longer than those of pretraining.
///
/// Reference: `transformers` 4.57.6, `modeling_rope_utils.py`.
enum RotaryScaling: Sendable {
    /// The angles as pretrained.
    case none
    /// Positions are divided by the factor.
    case linear(factor: Double)
    /// Llama 3: long waves are divided by the factor, short ones stay, those between are blended.
    case llama3(factor: Double, low: Double, high: Double, originalPositions: Double)

    /// The angle between neighbours for each pair of a head's elements.
    func frequencies(headSize: Int, base: Double) -> [Float] {
        stride(from: 0, to: headSize, by: 2).map { index in
            // In float32 from here on, as the reference computes them.
            scaled(1 / powf(Float(base), Float(index) / Float(headSize)))
        }
    }

    private func scaled(_ frequency: Float) -> Float {
        switch self {
        case .none: return frequency
        case .linear(let factor): return frequency / Float(factor)
        case .llama3(let factor, let low, let high, let positions):
            let wavelength = 2 * Double.pi / Double(frequency)
            if wavelength < positions / high { return frequency }
            if wavelength > positions / low { return frequency / Float(factor) }
            let smooth = Float((positions / wavelength - low) / (high - low))
            return (1 - smooth) * frequency / Float(factor) + smooth * frequency
        }
    }
}

extension RotaryScaling: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case type = "rope_type"
        case legacyType = "type"
        case factor
        case low = "low_freq_factor"
        case high = "high_freq_factor"
        case originalPositions = "original_max_position_embeddings"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
        // Where both are there, the reference takes the older name's.
        let newer: String? = try fields.optional(.type)
        let type = try fields.value(.legacyType, default: newer ?? "default")
        switch type {
        case "default": self = .none
        case "linear": self = .linear(factor: try fields.positiveNumber(.factor))
        case "llama3":
            self = .llama3(
                factor: try fields.positiveNumber(.factor),
                low: try fields.positiveNumber(.low),
                high: try fields.positiveNumber(.high),
                originalPositions: try fields.positiveNumber(.originalPositions)
            )
        default:
            throw fields.invalid(
                .type,
                "'\(type)' is not supported (supported: default, linear, llama3)"
            )
        }
    }
}

/// `rope_parameters`, in which `transformers` 5 keeps the base and the scaling together.
struct RotaryParameters: Decodable {
    let base: Double
    let scaling: RotaryScaling

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case base = "rope_theta"
        case share = "partial_rotary_factor"
        case full = "full_attention"
        case sliding = "sliding_attention"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
        for key in [CodingKeys.full, .sliding] where fields.contains(key) {
            throw fields.invalid(key, "angles of each kind of layer are not supported")
        }
        guard try fields.value(.share, default: 1.0) == 1 else {
            throw fields.invalid(.share, "other than 1 is not supported")
        }
        base = try fields.positiveNumber(.base)
        scaling = try RotaryScaling(from: decoder)
    }
}
