internal import GraftLayers
internal import GraftTorch

extension SiteMap {
    /// A site as `inspect` shows it.
    typealias Row = (site: Site, kind: String, size: String)

    /// Every site with its kind and its widths: tower by tower, the embeddings first, then block by block.
    var described: [Row] {
        var rows: [Row] = embedding.map { ($0.site, "embedding", "\($0.size)") }
        rows += attention.map { ($0.site, "attention", "\($0.hiddenSize), keys \($0.keySize)") }
        rows += linear.map { ($0.site, "linear", "\($0.inputSize) → \($0.outputSize)") }
        rows += hidden.map { ($0.site, "hidden", "\($0.size)") }
        rows += norm.map { ($0.site, "norm", "\($0.norm.weight.count)") }
        rows += block.map { ($0.site, "block", "\($0.size)") }
        var towers: [Site.Tower] = []
        for row in rows where !towers.contains(row.site.tower) { towers.append(row.site.tower) }
        let layers = Set(rows.map { $0.site.layer ?? -1 }).sorted()
        return towers.flatMap { tower in
            layers.flatMap { layer in
                rows.filter { $0.site.tower == tower && ($0.site.layer ?? -1) == layer }
            }
        }
    }
}
