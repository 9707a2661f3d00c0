public import GraftTorch

/// A place inside a transformer where an adapter may act.
///
/// Models publish their sites and call ``ForwardContext`` at each of them; adapter methods decide
/// at which they act. Neither knows the other.
public struct Site: Sendable, Hashable, Codable {
    /// Which stack of blocks the site belongs to.
    public enum Tower: String, Sendable, Hashable, Codable, CaseIterable {
        case encoder, decoder, text, vision
    }

    /// What the site is inside its block (or, without a layer, inside its tower).
    public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
        // Linear sites: frozen projections.
        case query, key, value
        case attentionOutput = "attention_output"
        case up, gate, down
        case crossQuery = "cross_query"
        case crossKey = "cross_key"
        case crossValue = "cross_value"
        case crossOutput = "cross_output"
        // Hidden sites: after a sub-layer's projection and dropout, before its residual addition.
        case attention
        case cross
        case feedForward = "feed_forward"
        // Norm sites.
        case attentionNorm = "attention_norm"
        case crossNorm = "cross_norm"
        case feedForwardNorm = "feed_forward_norm"
        case finalNorm = "final_norm"
        case embeddingNorm = "embedding_norm"
        // Attention sites: places in front of keys and values.
        case selfAttention = "self_attention"
        case crossAttention = "cross_attention"
        // A block's output.
        case block
        // The embeddings' output.
        case embeddings
    }

    /// Which stack of blocks the site belongs to.
    public let tower: Tower
    /// The block, counted from 0; `nil` for sites outside the blocks.
    public let layer: Int?
    /// What the site is.
    public let role: Role

    /// Names a site.
    public init(_ tower: Tower, layer: Int?, _ role: Role) {
        self.tower = tower
        self.layer = layer
        self.role = role
    }

    /// The site's name in adapter files and reports: `encoder.3.feed_forward`.
    public var path: String {
        [tower.rawValue, layer.map(String.init), role.rawValue].compactMap(\.self)
            .joined(separator: ".")
    }
}

extension Site {
    /// Reads a site's ``path``; `nil` if the text is none.
    package init?(path: some StringProtocol) {
        let parts = path.split(separator: ".")
        guard let tower = parts.first.flatMap({ Tower(rawValue: String($0)) }),
            let role = parts.last.flatMap({ Role(rawValue: String($0)) })
        else { return nil }
        let layer = parts.count == 3 ? Int(parts[1]) : nil
        self.init(tower, layer: layer, role)
        guard self.path == path else { return nil }
    }

    /// How many parts of a parameter's name, cut at dots, say where it belongs: `shared`, `encoder.embeddings`,
    /// `encoder.3.feed_forward`.
    package static func pathLength(in parts: [Substring]) -> Int {
        if parts.first == "shared" { return 1 }
        return parts.count > 1 && Int(parts[1]) != nil ? 3 : 2
    }
}

extension Site: CustomStringConvertible {
    public var description: String { path }
}

/// A frozen projection `y = W x + b` that an adapter may change.
public struct LinearSite: Sendable {
    /// Where it is.
    public let site: Site
    /// The frozen projection.
    public let linear: Linear

    /// Publishes a projection.
    public init(_ site: Site, _ linear: Linear) {
        self.site = site
        self.linear = linear
    }

    /// The width of `x`.
    public var inputSize: Int { linear.weight.inputSize }
    /// The width of `y`.
    public var outputSize: Int { linear.weight.outputSize }
    /// Whether the projection has a bias.
    public var hasBias: Bool { linear.bias != nil }
}

/// The output of a sub-layer, before its residual addition.
public struct HiddenSite: Sendable {
    /// Where it is.
    public let site: Site
    /// The width of the hidden states.
    public let size: Int
    /// Blocks in the site's tower.
    public let layerCount: Int
    /// Whether the block normalises after the residual addition (post-LN, as BERT does).
    public let isPostNorm: Bool

    /// Publishes a sub-layer's output.
    public init(_ site: Site, size: Int, layerCount: Int, isPostNorm: Bool) {
        self.site = site
        self.size = size
        self.layerCount = layerCount
        self.isPostNorm = isPostNorm
    }
}

/// A frozen normalisation whose weight and bias an adapter may replace.
public struct NormSite: Sendable {
    /// Where it is.
    public let site: Site
    /// The frozen normalisation.
    public let norm: any AffineNormalization
    /// Whether the normalisation has a bias.
    public var hasBias: Bool { norm.bias != nil }

    /// Publishes a normalisation.
    public init(_ site: Site, _ norm: any AffineNormalization) {
        self.site = site
        self.norm = norm
    }
}

/// A place in front of the keys and values of an attention.
public struct AttentionSite: Sendable {
    /// Where it is.
    public let site: Site
    /// The width of the hidden states that the attention reads.
    public let hiddenSize: Int
    /// The width of its keys, and of its values: key heads times the width of a head.
    public let keySize: Int
    /// Blocks in the site's tower.
    public let layerCount: Int

    /// Publishes an attention.
    public init(_ site: Site, hiddenSize: Int, keySize: Int, layerCount: Int) {
        self.site = site
        self.hiddenSize = hiddenSize
        self.keySize = keySize
        self.layerCount = layerCount
    }
}

/// The output of a whole block.
public struct BlockSite: Sendable {
    /// Where it is.
    public let site: Site
    /// The width of the hidden states.
    public let size: Int
    /// Blocks in the site's tower.
    public let layerCount: Int

    /// Publishes a block's output.
    public init(_ site: Site, size: Int, layerCount: Int) {
        self.site = site
        self.size = size
        self.layerCount = layerCount
    }
}

/// The output of a tower's embeddings: what its first block reads, or what is projected for it.
public struct EmbeddingSite: Sendable {
    /// Where it is.
    public let site: Site
    /// The frozen word embeddings: [vocabulary, width]; `nil` where the tower reads no words.
    public let words: Tensor?
    /// The width of the embeddings' output.
    public let size: Int

    /// Publishes the embeddings' output.
    public init(_ site: Site, words: Tensor?, size: Int) {
        self.site = site
        self.words = words
        self.size = size
    }
}

/// All sites of a model.
public struct SiteMap: Sendable {
    /// Projections, in the order of the forward pass.
    public var linear: [LinearSite] = []
    /// Sub-layer outputs, likewise.
    public var hidden: [HiddenSite] = []
    /// Normalisations, likewise.
    public var norm: [NormSite] = []
    /// Attentions, likewise.
    public var attention: [AttentionSite] = []
    /// Block outputs, likewise.
    public var block: [BlockSite] = []
    /// The embeddings' outputs, one for each tower.
    public var embedding: [EmbeddingSite] = []

    /// A model without sites.
    public init() {}

    /// The sites of two towers together.
    public func joined(with other: SiteMap) -> SiteMap {
        var sites = self
        sites.linear += other.linear
        sites.hidden += other.hidden
        sites.norm += other.norm
        sites.attention += other.attention
        sites.block += other.block
        sites.embedding += other.embedding
        return sites
    }
}
