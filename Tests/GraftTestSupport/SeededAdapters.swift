package import GraftAdapters
package import GraftLayers
internal import GraftTorch

extension AdapterMethod {
    /// What the method attaches at sites, with values that matter, the same for equal seeds.
    package func seeded(_ seed: UInt64, at sites: SiteMap) throws -> SiteAdapters {
        let fresh = FreshParameters(seed: seed)
        _ = try attached(to: sites, ParameterScope(fresh))
        let generator = try Generator(seed: seed)
        let values = try fresh.parameters.map { name, value in
            (name, try value.moved(to: testDevice) + generator.noise(value.shape, deviation: 0.3))
        }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: values))
        return try attached(to: sites, ParameterScope(stored))
    }
}
