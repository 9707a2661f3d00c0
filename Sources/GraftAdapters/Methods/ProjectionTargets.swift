public import GraftLayers

/// The frozen projections at which a method acts.
///
/// `query`, `key`, `value` and `attention_output` mean those of every attention, as in `adapters` 1.3.0 and
/// `peft` 0.21.2; `cross_query` and so on mean those of a decoder's attention to an encoder alone.
public enum ProjectionTargets: Sendable, Hashable {
    /// Every projection of the blocks.
    case all
    /// Those with one of these roles.
    case roles(Set<Site.Role>)

    /// The roles that a projection can have, in the order of the forward pass.
    static let known: [Site.Role] = [
        .query, .key, .value, .attentionOutput, .crossQuery, .crossKey, .crossValue, .crossOutput,
        .up, .gate, .down,
    ]

    /// Whether a projection is meant.
    func contains(_ role: Site.Role) -> Bool {
        switch self {
        case .all: true
        case .roles(let roles): roles.contains(role) || roles.contains(role.ofAnyAttention)
        }
    }

    /// Whether a projection is meant and lies in no block that is left out.
    func contains(_ site: Site, leavingOut leaveOut: Set<Int>) -> Bool {
        contains(site.role) && site.layer.map { !leaveOut.contains($0) } ?? true
    }

    /// Confirms that a model has all that is named, and that something is left to act at.
    ///
    /// - Throws: `ConfigurationError` naming `target_modules` or `leave_out`.
    func check(
        against sites: SiteMap,
        leavingOut leaveOut: Set<Int>
    ) throws(ConfigurationError) {
        let present = Set(sites.linear.map(\.site.role))
        if case .roles(let roles) = self,
            let stranger = ProjectionTargets.known.first(where: {
                roles.contains($0) && !present.contains($0)
            })
        {
            let names = ProjectionTargets.known.filter(present.contains).map(\.rawValue)
            throw ConfigurationError(
                field: "target_modules",
                problem: "this model has no \(stranger.rawValue) projection"
                    + " (it has \(names.joined(separator: ", ")))"
            )
        }
        let layers = Set(sites.linear.compactMap(\.site.layer))
        try sites.check(layers: leaveOut, field: "leave_out")
        guard !layers.isSubset(of: leaveOut) else {
            throw ConfigurationError(
                field: "leave_out",
                problem: "no layer of \(sites.layerCount) is left to act in"
            )
        }
    }
}

/// `"all-linear"`, or a list of roles.
extension ProjectionTargets: Codable {
    private static let allName = "all-linear"

    /// What checkpoints of Hugging Face call projections, where that tells the role.
    private static let checkpointNames: [String: Site.Role] = [
        "q_proj": .query, "q_lin": .query, "q": .query,
        "k_proj": .key, "k_lin": .key, "k": .key,
        "v_proj": .value, "v_lin": .value, "v": .value,
        "o_proj": .attentionOutput, "out_proj": .attentionOutput, "out_lin": .attentionOutput,
        "o": .attentionOutput,
        "up_proj": .up, "fc1": .up, "lin1": .up, "wi": .up, "wi_1": .up,
        "gate_proj": .gate, "wi_0": .gate,
        "down_proj": .down, "fc2": .down, "lin2": .down, "wo": .down,
    ]

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if (try? container.decode(String.self)) == ProjectionTargets.allName {
            self = .all
            return
        }
        let names = ProjectionTargets.known.map(\.rawValue)
        guard let found = try? container.decode([String].self), !found.isEmpty else {
            throw ConfigurationError(
                field: "",
                problem: "expected \"\(ProjectionTargets.allName)\" or a list such as"
                    + " [\"query\",\"value\"]"
            )
        }
        if let stranger = found.first(where: { !names.contains($0) }) {
            let meant =
                ProjectionTargets.checkpointNames[stranger]?.rawValue
                ?? names.nearest(to: stranger)
            let hint = meant.map { "did you mean '\($0)'?" }
            throw ConfigurationError(
                field: "",
                problem: "'\(stranger)' is no projection"
                    + " (\(hint ?? "known: " + names.joined(separator: ", ")))"
            )
        }
        self = .roles(Set(found.compactMap(Site.Role.init(rawValue:))))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .all: try container.encode(ProjectionTargets.allName)
        case .roles(let roles):
            try container.encode(
                ProjectionTargets.known.filter(roles.contains).map(\.rawValue)
            )
        }
    }
}

extension Site.Role {
    /// The name that means this projection in whichever attention.
    fileprivate var ofAnyAttention: Site.Role {
        switch self {
        case .crossQuery: .query
        case .crossKey: .key
        case .crossValue: .value
        case .crossOutput: .attentionOutput
        default: self
        }
    }
}
