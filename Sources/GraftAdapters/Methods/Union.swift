public import GraftLayers
public import GraftTorch

/// Several methods that act together, written `prefix_tuning|lora`.
///
/// | preset | members | paper |
/// |---|---|---|
/// | `mam` | prefix tuning (bottleneck 800), `par_bn` | [He et al.](https://arxiv.org/abs/2110.04366) |
/// | `unipelt` | gated prefix tuning (length 10), `seq_bn`, LoRA (r 8, alpha 2) | [Mao et al.](https://arxiv.org/abs/2110.07577) |
///
/// Where two members act at one site, the second gets what the first makes of the site's output, and
/// its keys stand in front of the first's. A member's parameters have its number, from 0, behind the
/// name of the site: `encoder.3.feed_forward.1.down.weight`, `shared.0.…`.
public struct Union: AdapterMethod {
    public static let identifier = "union"

    /// What acts, in order.
    public let members: [any AdapterMethod]

    public static let presets: KeyValuePairs<String, Union> = [
        "mam": Union(uniting: [
            PrefixTuning { $0.bottleneckSize = 800 }, Bottleneck.parallel(.constant(4)),
        ]),
        "unipelt": Union(uniting: unipelt),
    ]

    private static var unipelt: [any AdapterMethod] {
        let prefix = PrefixTuning {
            $0.length = 10
            $0.isGated = true
        }
        var bottleneck = Bottleneck.sequential
        bottleneck.isGated = true
        var lora = LoRA.presets[0].value
        (lora.rank, lora.alpha, lora.isGated) = (8, 2, true)
        return [prefix, bottleneck, lora]
    }

    private init(uniting members: [any AdapterMethod]) { self.members = members }

    /// Unites methods; unions among them are taken apart.
    ///
    /// - Throws: `ConfigurationError` if there are fewer than two, or one of them acts at no site.
    public init(_ methods: [any AdapterMethod]) throws {
        members = methods.flatMap { ($0 as? Union)?.members ?? [$0] }
        guard members.count > 1 else {
            throw ConfigurationError(
                field: "members",
                problem: "a union has at least two (hint: prefix_tuning|lora)"
            )
        }
        guard let stranger = members.first(where: { $0.trainsBase || $0 is HeadOnly }) else {
            return
        }
        throw ConfigurationError(
            field: "members",
            problem: "'\(type(of: stranger).identifier)' adds nothing to a frozen model"
                + " and cannot be part of a union"
        )
    }

    public var defaultLearningRate: Double {
        members.map(\.defaultLearningRate).min() ?? 5e-4
    }

    public func prepared(encode: (String) throws -> [Int32]) throws -> Union {
        Union(uniting: try members.map { try $0.prepared(encode: encode) })
    }

    public func check(against sites: SiteMap) throws {
        for member in members { try member.check(against: sites) }
    }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        var adapters = SiteAdapters()
        for (number, member) in members.enumerated() {
            let parameters = MemberParameters(number: number, scope: scope)
            let own = try member.attached(to: sites, ParameterScope(parameters))
            adapters = try adapters.followed(by: own)
        }
        return adapters
    }

    public func learningRateFactor(_ parameter: String) -> Double {
        guard let (number, name) = MemberParameters.member(of: parameter),
            members.indices.contains(number)
        else { return 1 }
        return members[number].learningRateFactor(name)
    }

    /// Combines the first members, the second ones and so on.
    public static func combined(
        _ adapters: [TrainedAdapter<Union>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        let first = adapters[0]
        for other in adapters where other.method.members.count != first.method.members.count {
            throw ConfigurationError(
                field: "members",
                problem: "'\(other.name)' has \(other.method.members.count),"
                    + " '\(first.name)' \(first.method.members.count)"
            )
        }
        var members: [any AdapterMethod] = []
        var result = CombinedAdapter(method: first.method, parameters: [:])
        for number in first.method.members.indices {
            let part = try arithmetic(
                adapters.map { adapter in
                    let own = adapter.parameters.compactMap { name, value in
                        MemberParameters.member(of: name).flatMap { member in
                            member.number == number ? (member.name, value) : nil
                        }
                    }
                    return (
                        adapter.name, adapter.method.members[number],
                        Dictionary(uniqueKeysWithValues: own)
                    )
                }
            )
            members.append(part.method)
            for (name, value) in part.parameters {
                let inner = String(name.dropFirst("adapter.".count))
                result.parameters["adapter." + MemberParameters.named(inner, number: number)] =
                    value
            }
            result.kept = min(result.kept, part.kept)
        }
        result.method = Union(uniting: members)
        return result
    }

    public func stepRule(
        for parameters: [ParameterBuffer.Slice],
        steps: Int
    ) throws -> (any StepRule)? {
        try MemberRules(members, parameters, steps: steps)
    }

    public func warnings(for sites: SiteMap, isSequenceTask: Bool) -> [String] {
        members.flatMap { $0.warnings(for: sites, isSequenceTask: isSequenceTask) }
    }
}

/// The parameters of one member of a union.
struct MemberParameters: ParameterSource {
    let number: Int
    let scope: ParameterScope

    func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        try scope.parameter(named(name), shape: shape, initial: initial)
    }

    func contains(_ name: String) -> Bool { scope.contains(named(name)) }

    /// Which member a parameter is of, and its name there.
    static func member(of parameter: String) -> (number: Int, name: String)? {
        let front = parameter.hasPrefix("adapter.") ? "adapter." : ""
        var parts = parameter.dropFirst(front.count).split(separator: ".")
        let place = Site.pathLength(in: parts)
        guard parts.count > place, let number = Int(parts[place]) else { return nil }
        parts.remove(at: place)
        return (number, front + parts.joined(separator: "."))
    }

    /// The member's number goes behind the site's path, so that reports find the site.
    private func named(_ name: String) -> String {
        MemberParameters.named(name, number: number)
    }

    /// The name of a member's parameter among those of all.
    static func named(_ name: String, number: Int) -> String {
        var parts = name.split(separator: ".")
        parts.insert("\(number)", at: min(Site.pathLength(in: parts), parts.count))
        return parts.joined(separator: ".")
    }
}

extension Union {
    public var settingThatLooksAhead: String? {
        members.lazy.compactMap(\.settingThatLooksAhead).first
    }
}
