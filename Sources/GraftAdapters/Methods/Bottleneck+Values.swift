internal import GraftLayers

/// `true`, `false` or `"post_add"`.
extension Bottleneck.Residual: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = flag ? .output : .input
        } else if (try? container.decode(String.self)) == "post_add" {
            self = .sum
        } else {
            throw ConfigurationError(field: "", problem: "expected true, false or \"post_add\"")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .output: try container.encode(true)
        case .input: try container.encode(false)
        case .sum: try container.encode("post_add")
        }
    }
}

/// A number, `"learned"` or `"channel"`.
extension Bottleneck.Scaling: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let factor = try? container.decode(Double.self) {
            self = .constant(factor)
            return
        }
        switch try? container.decode(String.self) {
        case "learned": self = .learned
        case "channel": self = .channel
        default:
            throw ConfigurationError(
                field: "",
                problem: "expected a number, \"learned\" or \"channel\""
            )
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .constant(let factor): try container.encode(factor)
        case .learned: try container.encode("learned")
        case .channel: try container.encode("channel")
        }
    }
}

/// A number, or an object from layers to numbers with a `default`.
extension Bottleneck.ReductionFactor: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let factor = try? container.decode(Double.self) {
            self.init(standard: factor)
        } else {
            guard let map = try? container.decode([String: Double].self) else {
                throw ConfigurationError(
                    field: "",
                    problem: "expected a number or an object such as {\"1\": 8, \"default\": 16}"
                )
            }
            self.init(standard: map["default"])
            for (name, factor) in map where name != "default" {
                guard let layer = Int(name) else {
                    throw ConfigurationError(
                        field: "",
                        problem: "'\(name)' is neither a layer number nor \"default\""
                    )
                }
                byLayer[layer] = factor
            }
        }
        for factor in [standard].compactMap(\.self) + byLayer.values
        where !(factor > 0 && factor.isFinite) {
            throw ConfigurationError(field: "", problem: "must be positive, found \(factor)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if byLayer.isEmpty, let standard {
            try container.encode(standard)
        } else {
            var map = Dictionary(uniqueKeysWithValues: byLayer.map { (String($0.key), $0.value) })
            map["default"] = standard
            try container.encode(map)
        }
    }
}
