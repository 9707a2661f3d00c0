public import GraftLayers

/// A tower over images.
public protocol ImageTower: Tower where Batch == ImageBatch {
    /// The side of the square images that the tower reads, in pixels.
    var imageSize: Int { get }
    /// The tokens that it makes of an image, special ones included.
    var tokensPerImage: Int { get }
}

/// A model that is one tower over images.
public protocol ImageEncoder: Model, ImageTower {
    var sites: SiteMap { get }
}

extension ImageEncoder {
    public var layerCount: Int { shape.layerCount }
}
