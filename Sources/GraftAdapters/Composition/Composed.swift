public import GraftLayers
public import GraftTorch

/// Adapters that were made apart and act together, as a method of their own.
///
/// A composition is stored, loaded, evaluated and inspected as any method is. The parameters of a
/// member have its number, in the order of ``members``, behind the name of the site; those of a
/// fusion have `fusion` there.
public struct Composed: AdapterMethod {
    public static let identifier = "composition"
    /// Compositions are made of trained adapters: there is none to ask for by name.
    public static let presets: KeyValuePairs<String, Composed> = [:]

    /// How they act together.
    public let composition: Composition
    /// The settings of every `fuse` in it.
    public let fusion: Fusion
    /// What acts, by the names that the composition uses.
    public let members: [(name: String, method: any AdapterMethod)]

    /// Composes methods.
    ///
    /// - Parameters:
    ///   - composition: How they act together.
    ///   - methods: A method for every name in it.
    ///   - fusion: The settings of every `fuse` in it.
    /// - Throws: `ConfigurationError` naming an adapter that is missing or cannot be composed.
    public init(
        _ composition: Composition,
        of methods: [String: any AdapterMethod],
        fusion: Fusion = Fusion()
    ) throws(ConfigurationError) {
        var members: [(String, any AdapterMethod)] = []
        for name in composition.names {
            guard let method = methods[name] else {
                let near = methods.keys.nearest(to: name).map { " (hint: there is '\($0)')" } ?? ""
                throw ConfigurationError(
                    field: "composition",
                    problem: "there is no adapter '\(name)'" + near
                )
            }
            guard !method.trainsBase else {
                throw ConfigurationError(
                    field: "composition",
                    problem: "'\(name)' trained the model itself, which others share"
                )
            }
            members.append((name, method))
        }
        guard composition.fusionCount < 2 else {
            throw ConfigurationError(
                field: "composition",
                problem: "'\(composition)' fuses more than once, which is not supported"
            )
        }
        self.composition = composition
        self.members = members
        self.fusion = fusion
    }

    /// The names under which the composition has a member's parameters.
    ///
    /// - Parameters:
    ///   - parameters: The parameters of one member, each named as in an adapter of its own:
    ///     `adapter.<site>.<name>`.
    ///   - member: The member's name.
    /// - Returns: The same parameters; none if there is no such member.
    public func parameters<Value>(
        _ parameters: [String: Value],
        of member: String
    ) -> [String: Value] {
        guard let number = members.firstIndex(where: { $0.name == member }) else { return [:] }
        let front = "adapter."
        let renamed = parameters.filter { $0.key.hasPrefix(front) }.map { name, value in
            (
                front + MemberParameters.named(String(name.dropFirst(front.count)), number: number),
                value
            )
        }
        return Dictionary(uniqueKeysWithValues: renamed)
    }

    private init(copying other: Composed, members: [(name: String, method: any AdapterMethod)]) {
        composition = other.composition
        fusion = other.fusion
        self.members = members
    }

    public func prepared(encode: (String) throws -> [Int32]) throws -> Composed {
        Composed(
            copying: self,
            members: try members.map { ($0.name, try $0.method.prepared(encode: encode)) }
        )
    }

    public func learningRateFactor(_ parameter: String) -> Double {
        guard let (number, name) = MemberParameters.member(of: parameter),
            members.indices.contains(number)
        else { return 1 }
        return members[number].method.learningRateFactor(name)
    }

    public func stepRule(
        for parameters: [ParameterBuffer.Slice],
        steps: Int
    ) throws -> (any StepRule)? {
        try MemberRules(members.map(\.method), parameters, steps: steps)
    }

    public func check(against sites: SiteMap) throws {
        for (_, method) in members { try method.check(against: sites) }
    }

    public func attached(to sites: SiteMap, _ scope: ParameterScope) throws -> SiteAdapters {
        try check(against: sites)
        var adapters: [String: SiteAdapters] = [:]
        for (number, (name, method)) in members.enumerated() {
            let parameters = MemberParameters(number: number, scope: scope)
            adapters[name] = try method.attached(to: sites, ParameterScope(parameters))
        }
        return try composed(composition, adapters, sites, scope)
    }

    public static func combined(
        _ adapters: [TrainedAdapter<Composed>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        throw arithmetic.refusal(
            of: "a composition",
            "its members were trained apart (hint: combine those)"
        )
    }

    private func composed(
        _ composition: Composition,
        _ adapters: [String: SiteAdapters],
        _ sites: SiteMap,
        _ scope: ParameterScope
    ) throws -> SiteAdapters {
        func composed(_ part: Composition) throws -> SiteAdapters {
            try self.composed(part, adapters, sites, scope)
        }

        switch composition {
        case .single(let name): return adapters[name] ?? SiteAdapters()
        case .stack(let parts):
            return try parts.reduce(SiteAdapters()) {
                try $0.followed(by: composed($1))
            }
        case .average(let parts, let weights):
            return try .average(parts.map(composed), weights: weights)
        case .split(let parts, let lengths):
            return try .split(parts.map(composed), lengths: lengths)
        case .fuse(let parts):
            return try .fused(parts.map(composed), fusion, sites: sites, scope)
        }
    }
}

extension Composed: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable { case composition, members, fusion }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        let stored: [String: StoredMethod] = try fields.required(.members)
        try self.init(
            fields.required(.composition),
            of: stored.mapValues(\.method),
            fusion: fields.value(.fusion, default: Fusion())
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        let stored = members.map { ($0.name, StoredMethod($0.method)) }
        try fields.encode(composition, forKey: .composition)
        try fields.encode(Dictionary(uniqueKeysWithValues: stored), forKey: .members)
        if composition.fusionCount > 0 { try fields.encode(fusion, forKey: .fusion) }
    }
}

extension Composed {
    public var settingThatLooksAhead: String? {
        members.lazy.compactMap(\.method.settingThatLooksAhead).first
    }
}
