public import GraftLayers

/// A batch whose rows have adapters of their own, in the order in which it runs fastest.
///
/// Rows of one adapter lie together, and adapters that differ in values alone beside each other: all
/// of these then run as one.
///
/// ```swift
/// let mixed = try MixedBatch([french, legal], of: [0, nil, 1, 0])
/// let batch = try TokenBatch(rows: mixed.order.map { rows[$0] })
/// let context = ForwardContext(layout: batch.layout, adapters: mixed.adapters)
/// ```
public struct MixedBatch: Sendable {
    /// Which row of the caller's stands at each place of the batch.
    public let order: [Int]
    /// What acts on a batch in that order.
    public let adapters: SiteAdapters

    /// Orders rows by their adapters.
    ///
    /// - Parameters:
    ///   - members: What rows can have.
    ///   - choices: For each row the number of its member, or `nil` for the frozen model.
    /// - Throws: `ConfigurationError` naming a site at which rows cannot be told apart.
    public init(_ members: [SiteAdapters], of choices: [Int?]) throws(ConfigurationError) {
        precondition(choices.allSatisfy { $0.map(members.indices.contains) ?? true }, "members")
        let frozen = members.count
        var rows = [[Int]](repeating: [], count: frozen + 1)
        for (row, choice) in choices.enumerated() { rows[choice ?? frozen].append(row) }
        let used = rows.indices.filter { !rows[$0].isEmpty }
        // Members of one shape get the number of the first of them.
        var (firsts, places): ([AdapterShape: Int], [Int: Int]) = ([:], [:])
        for member in used where member != frozen {
            places[member] = firsts[AdapterShape(members[member]), setDefault: member]
        }
        let sorted = used.sorted {
            (places[$0, default: frozen], $0) < (places[$1, default: frozen], $1)
        }
        order = sorted.flatMap { rows[$0] }
        var groups: [(rows: Range<Int>, adapters: SiteAdapters)] = []
        var start = 0
        for member in sorted {
            let range = start..<start + rows[member].count
            groups.append((range, member == frozen ? SiteAdapters() : members[member]))
            start = range.upperBound
        }
        adapters = try .rows(groups)
    }
}

/// Where adapters act, and what those of one kind have in common there.
private struct AdapterShape: Hashable {
    private let sites: Set<Site>
    private let kinds: [Site: AnyHashable]

    init(_ adapters: SiteAdapters) {
        sites = adapters.sites
        var kinds: [Site: AnyHashable] = [:]
        for (site, adapter) in adapters.linear {
            kinds[site] = (adapter as? any JoinableAdapter)?.kind
        }
        for (site, adapter) in adapters.hidden {
            kinds[site] = (adapter as? any JoinableAdapter)?.kind
        }
        self.kinds = kinds
    }
}

extension Dictionary {
    /// The value of a key, set to `value` if there is none.
    fileprivate subscript(key: Key, setDefault value: Value) -> Value {
        mutating get {
            if let known = self[key] { return known }
            self[key] = value
            return value
        }
    }
}
