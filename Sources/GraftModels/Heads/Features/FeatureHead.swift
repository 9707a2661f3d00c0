internal import GraftLayers
internal import GraftTorch

/// What answers at the place of an image in a CLIP model's space, where other heads have layers.
public enum FeatureHead: Sendable, Hashable {
    /// The names of the classes alone: ``ZeroShot``.
    case zeroShot
    /// ``TipAdapter``, over a number of images.
    case tipAdapter(images: Int, alpha: Double, beta: Double)
    /// ``ClipAdapter``, with a width between its projections.
    case clipAdapter(innerSize: Int, ratio: Double)

    /// Confirms that the settings can be used.
    func check() throws(ConfigurationError) {
        func refusal(_ field: String, _ wanted: String, _ found: Double) -> ConfigurationError {
            ConfigurationError(field: field, problem: "must be \(wanted), found \(found)")
        }
        switch self {
        case .zeroShot: break
        case .tipAdapter(_, let alpha, let beta):
            for (name, value) in [("alpha", alpha), ("beta", beta)]
            where !(value >= 0 && value.isFinite) {
                throw refusal(name, "0 or more", value)
            }
        case .clipAdapter(_, let ratio):
            guard (0...1).contains(ratio) else { throw refusal("ratio", "from 0 to 1", ratio) }
        }
    }

    /// Asks `scope` for the tensors of a classifier of this kind.
    func classifier(
        classCount: Int,
        width: Int,
        _ scope: ParameterScope
    ) throws -> any FeatureClassifier {
        switch self {
        case .zeroShot: ZeroShot()
        case .tipAdapter(let images, let alpha, let beta):
            TipAdapter(
                keys: try scope.parameter("keys", shape: [images, width]),
                values: try scope.parameter("values", shape: [images, classCount]),
                alpha: alpha,
                beta: beta
            )
        case .clipAdapter(let inner, let ratio):
            ClipAdapter(
                down: try scope.parameter("down", shape: [inner, width]),
                up: try scope.parameter("up", shape: [width, inner]),
                ratio: ratio
            )
        }
    }
}

extension FeatureHead: Codable {
    private enum Kind: String, Codable, CaseIterable {
        case zeroShot = "zero_shot"
        case tipAdapter = "tip_adapter"
        case clipAdapter = "clip_adapter"
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case kind, images, alpha, beta
        case innerSize = "inner_size"
        case ratio
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        let name: String = try fields.required(.kind)
        guard let kind = Kind(rawValue: name) else {
            let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw fields.invalid(.kind, "'\(name)' is not known (known: \(known))")
        }
        let own: Set<CodingKeys> =
            switch kind {
            case .zeroShot: [.kind]
            case .tipAdapter: [.kind, .images, .alpha, .beta]
            case .clipAdapter: [.kind, .innerSize, .ratio]
            }
        if let other = CodingKeys.allCases.first(where: { !own.contains($0) && fields.contains($0) }
        ) {
            throw fields.invalid(other, "is no setting of \(name)")
        }
        switch kind {
        case .zeroShot: self = .zeroShot
        case .tipAdapter:
            self = .tipAdapter(
                images: try fields.required(.images),
                alpha: try fields.required(.alpha),
                beta: try fields.required(.beta)
            )
        case .clipAdapter:
            self = .clipAdapter(
                innerSize: try fields.required(.innerSize),
                ratio: try fields.required(.ratio)
            )
        }
        try check()
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .zeroShot:
            try fields.encode(Kind.zeroShot, forKey: .kind)
        case .tipAdapter(let images, let alpha, let beta):
            try fields.encode(Kind.tipAdapter, forKey: .kind)
            try fields.encode(images, forKey: .images)
            try fields.encode(alpha, forKey: .alpha)
            try fields.encode(beta, forKey: .beta)
        case .clipAdapter(let innerSize, let ratio):
            try fields.encode(Kind.clipAdapter, forKey: .kind)
            try fields.encode(innerSize, forKey: .innerSize)
            try fields.encode(ratio, forKey: .ratio)
        }
    }
}
