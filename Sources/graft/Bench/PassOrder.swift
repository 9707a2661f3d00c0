internal import GraftLayers

/// In which order a pass comes by the places where something is trained.
///
/// A gradient is needed wherever something trained lies below, and nowhere else.
struct PassOrder {
    /// Whether the model itself is trained.
    let trainsBase: Bool
    private let first: Place?
    private let isPostNorm: Bool

    /// A block and a stage inside it; -1 stands for what is below the blocks.
    private struct Place: Comparable {
        let layer: Int
        let stage: Int

        static func < (a: Place, b: Place) -> Bool { (a.layer, a.stage) < (b.layer, b.stage) }
    }

    /// - Parameters:
    ///   - sites: The model's.
    ///   - trained: Where something acts that is trained.
    ///   - trainsBase: Whether the model itself is trained.
    init(_ sites: SiteMap, trained: Set<Site>, trainsBase: Bool) {
        let isPostNorm = sites.hidden.contains { $0.isPostNorm }
        self.isPostNorm = isPostNorm
        self.trainsBase = trainsBase
        first = trained.map { PassOrder.place($0, isPostNorm: isPostNorm) }.min()
    }

    /// Whether the gradient goes below the head.
    var isAnythingTrained: Bool { trainsBase || first != nil }

    /// Whether something trained lies below what a site reads.
    func isTrained(below site: Site) -> Bool {
        trainsBase || first.map { $0 < PassOrder.place(site, isPostNorm: isPostNorm) } ?? false
    }

    private static func place(_ site: Site, isPostNorm: Bool) -> Place {
        Place(
            layer: site.layer ?? (site.role == .finalNorm ? .max : -1),
            stage: stage(site.role, isPostNorm: isPostNorm)
        )
    }

    private static func stage(_ role: Site.Role, isPostNorm: Bool) -> Int {
        switch role {
        case .embeddings, .embeddingNorm: 0
        case .attentionNorm, .crossNorm: isPostNorm ? 6 : 1
        case .query, .key, .value, .crossQuery, .crossKey, .crossValue: 2
        case .selfAttention, .crossAttention: 3
        case .attentionOutput, .crossOutput: 4
        case .attention, .cross: 5
        case .feedForwardNorm: isPostNorm ? 11 : 7
        case .up, .gate: 8
        case .down: 9
        case .feedForward: 10
        case .block: 12
        case .finalNorm: 13
        }
    }
}
