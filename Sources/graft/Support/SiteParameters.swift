internal import GraftData
internal import GraftLayers
internal import GraftTorch

/// How many parameters an adapter has at a site.
struct SiteParameters {
    let site: Site
    let parameters: Int

    /// The site's path inside its layer.
    var place: String { site.role.rawValue }

    /// As results print it.
    var members: [JSONValue.Member] {
        [.init("site", .string(site.path)), .init("parameters", .integer(parameters))]
    }

    /// Counts the parameters at each site where an adapter acts, in the order of the forward pass.
    ///
    /// - Parameters:
    ///   - slices: The trained parameters: those of a site are named `adapter.<site>.<name>`.
    ///   - adapters: What acts at the sites.
    /// - Returns: An entry for each site.
    static func all(
        of slices: [ParameterBuffer.Slice],
        in adapters: SiteAdapters
    ) -> [SiteParameters] {
        all(sizes: slices.map { ($0.name, $0.range.count) }, in: adapters)
    }

    /// Counts the parameters at each site, given the size of each parameter by its name.
    static func all(
        sizes: [(name: String, count: Int)],
        in adapters: SiteAdapters
    ) -> [SiteParameters] {
        func place(_ site: Site) -> (Int, Int, Int) {
            (
                Site.Tower.allCases.firstIndex(of: site.tower) ?? 0, site.layer ?? -1,
                Site.Role.allCases.firstIndex(of: site.role) ?? 0
            )
        }
        return adapters.sites.sorted { place($0) < place($1) }.map { site in
            let prefix = "adapter.\(site.path)."
            let count = sizes.filter { $0.name.hasPrefix(prefix) }.reduce(0) { $0 + $1.count }
            return SiteParameters(site: site, parameters: count)
        }
    }
}
