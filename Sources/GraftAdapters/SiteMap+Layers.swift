internal import GraftLayers

extension SiteMap {
    /// The blocks of the model's deepest tower.
    var layerCount: Int {
        let towers =
            hidden.map(\.layerCount) + attention.map(\.layerCount) + block.map(\.layerCount)
        return (towers + linear.compactMap { $0.site.layer.map { $0 + 1 } }).max() ?? 0
    }

    /// Confirms that there are the layers which a setting names.
    ///
    /// - Throws: `ConfigurationError` of `field`, naming the first layer that there is not.
    func check(layers: some Sequence<Int>, field: String) throws(ConfigurationError) {
        let count = layerCount
        guard let missing = layers.sorted().first(where: { !(0..<count).contains($0) }) else {
            return
        }
        throw ConfigurationError(
            field: field,
            problem: "there is no layer \(missing) (this model has 0 ... \(count - 1))"
        )
    }
}
