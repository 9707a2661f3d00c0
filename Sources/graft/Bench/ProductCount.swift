internal import GraftLayers
internal import GraftModels
internal import GraftTorch

/// The matrix products that a pass over rows cannot do without.
///
/// Counted are the frozen projections, attention, the head, and every trained matrix at a projection,
/// a sub-layer or a block: forward for all that the head reads (of the last block the keys and values
/// of every token, the rest of first tokens where no others are read), backward only above the first
/// thing that is trained. What else a method multiplies (prefixes, tokens that it adds, frozen
/// matrices of its own) is not: the count is a floor.
struct ProductCount {
    private var products: [Product] = []

    /// A product that is computed for each thing of a kind.
    private struct Product {
        /// Multiplications for one thing.
        let size: Int
        let unit: KeyPath<Amounts, Int>
        var forward = 1
        /// How many products of the same size the gradients take.
        let backward: Int
    }

    /// How many things of each kind some rows have.
    private struct Amounts {
        var rows = 0
        var tokens = 0
        /// Queries times keys.
        var pairs = 0
        /// Queries times keys where only first tokens ask.
        var firstPairs = 0

        init(_ lengths: [Int]) {
            for length in lengths {
                rows += 1
                tokens += length
                pairs += length * length
                firstPairs += length
            }
        }
    }

    /// Lists the products.
    ///
    /// - Parameters:
    ///   - encoder: The tower that is run.
    ///   - shape: The sizes of its model.
    ///   - adapters: What acts in it.
    ///   - head: What reads its hidden states; `nil` for a pass that yields them all.
    ///   - trained: The trained parameters, named as `AdaptedModel` names them.
    /// - Throws: `TorchError` if memory runs out.
    init(
        encoder: any Tower,
        shape: ModelShape,
        adapters: SiteAdapters = SiteAdapters(),
        head: Head? = nil,
        trained: [ParameterBuffer.Slice] = []
    ) throws(TorchError) {
        let sites = encoder.sites
        let order = PassOrder(
            sites,
            trained: adapters.sites,
            trainsBase: trained.contains { $0.name.hasPrefix("base.") }
        )
        let last = encoder.layerCount - 1
        let empty = ForwardContext(layout: try RaggedLayout(lengths: []), adapters: adapters)
        let isCut = head?.wanted == .first && empty.isTokenwise(layer: last, in: encoder.tower)
        func unit(_ site: Site) -> KeyPath<Amounts, Int> {
            let isLeftOut = isCut && site.layer == last && site.role != .key && site.role != .value
            return isLeftOut ? \.rows : \.tokens
        }
        // A matrix that reads what the site does takes a gradient there only for what is below.
        func appendMatrices(at site: Site, inputSize: Int) {
            for slice in trained where slice.isMatrix && slice.belongs(to: site) {
                let readsSite = slice.shape[1] == inputSize
                products.append(
                    Product(
                        size: slice.range.count,
                        unit: unit(site),
                        backward: !readsSite || order.isTrained(below: site) ? 2 : 1
                    )
                )
            }
        }
        for linear in sites.linear {
            let toInput = order.isTrained(below: linear.site) ? 1 : 0
            products.append(
                Product(
                    size: linear.inputSize * linear.outputSize,
                    unit: unit(linear.site),
                    backward: toInput + (order.trainsBase ? 1 : 0)
                )
            )
            appendMatrices(at: linear.site, inputSize: linear.inputSize)
        }
        for hidden in sites.hidden { appendMatrices(at: hidden.site, inputSize: hidden.size) }
        for block in sites.block { appendMatrices(at: block.site, inputSize: block.size) }
        for attention in sites.attention {
            appendAttention(
                attention,
                in: sites,
                isCut && attention.site.layer == last ? \.firstPairs : \.pairs
            ) { order.isTrained(below: $0) || adapters.linear[$0] != nil }
        }
        if let head { appendHead(head, shape, order, trained) }
    }

    /// The operations of a pass without gradients over rows of these lengths; a multiplication and its
    /// addition are two.
    func forward(_ lengths: [Int]) -> Int {
        let amounts = Amounts(lengths)
        return products.reduce(0) { $0 + 2 * $1.size * $1.forward * amounts[keyPath: $1.unit] }
    }

    /// The operations of the gradients of such a pass.
    func backward(_ lengths: [Int]) -> Int {
        let amounts = Amounts(lengths)
        return products.reduce(0) { $0 + 2 * $1.size * $1.backward * amounts[keyPath: $1.unit] }
    }

    /// Scores and mixed values; backward the gradients of the weights, the values, the queries and the
    /// keys, as far as something trained lies behind them.
    private mutating func appendAttention(
        _ attention: AttentionSite,
        in sites: SiteMap,
        _ unit: KeyPath<Amounts, Int>,
        _ isTrained: (Site) -> Bool
    ) {
        let (tower, layer) = (attention.site.tower, attention.site.layer)
        let query = Site(tower, layer: layer, .query)
        let toQuery = isTrained(query) ? 1 : 0
        let toKey = isTrained(Site(tower, layer: layer, .key)) ? 1 : 0
        let toValue = isTrained(Site(tower, layer: layer, .value)) ? 1 : 0
        // Query heads may be more than key heads.
        let width = sites.linear.first { $0.site == query }?.outputSize ?? attention.keySize
        products.append(
            Product(
                size: width,
                unit: unit,
                forward: 2,
                backward: max(toQuery, toKey) + toValue + toQuery + toKey
            )
        )
    }

    private mutating func appendHead(
        _ head: Head,
        _ shape: ModelShape,
        _ order: PassOrder,
        _ trained: [ParameterBuffer.Slice]
    ) {
        let toModel = order.isAnythingTrained ? 1 : 0
        if head.configuration.pooling == .pooler {
            products.append(
                Product(
                    size: shape.hiddenSize * shape.hiddenSize,
                    unit: \.rows,
                    backward: toModel + (order.trainsBase ? 1 : 0)
                )
            )
        }
        let matrices = trained.filter { $0.isMatrix && $0.name.hasPrefix("head.") }
        for (index, matrix) in matrices.enumerated() {
            products.append(
                Product(
                    size: matrix.range.count,
                    unit: head.configuration.kind == .tagging ? \.tokens : \.rows,
                    backward: 1 + (index > 0 ? 1 : toModel)
                )
            )
        }
    }
}

extension ParameterBuffer.Slice {
    fileprivate var isMatrix: Bool { shape.count == 2 }

    /// Whether this is a parameter of what acts at a site.
    fileprivate func belongs(to site: Site) -> Bool {
        name.hasPrefix("adapter.") && name.contains(".\(site.path).")
    }
}
