public import GraftTorch

/// Classes known by their names, as a CLIP model places them.
public struct NamedClasses: Sendable {
    /// Where each class is: float32 [classes, width], each of length 1.
    public let places: Tensor
    /// What cosines are multiplied with.
    public let scale: Double

    /// Takes places and a scale.
    package init(places: Tensor, scale: Double) { (self.places, self.scale) = (places, scale) }

    /// The logits of images at some places, of any length: [images, width] -> [images, classes].
    func logits(_ features: Tensor) throws(TorchError) -> Tensor {
        try features.unitRows().linear(places) * scale
    }
}

/// A small module on the places of images that learns from a few of each class.
///
/// It acts behind the frozen model, so that images are placed once and training takes seconds.
public protocol FeatureClassifier: Sendable {
    /// What it is, but for its tensors.
    var kind: FeatureHead { get }

    /// What is trained, by name.
    var parameters: [(name: String, value: Tensor)] { get }

    /// What is kept with it and not trained, by name.
    var constants: [(name: String, value: Tensor)] { get }

    /// The same with other values of what is trained, in the order of ``parameters``.
    func replacing(_ values: [Tensor]) -> Self

    /// Scores images.
    ///
    /// - Parameters:
    ///   - features: Where images are, of any length: float32 [images, width]
    ///   - classes: The classes by name.
    /// - Returns: float32 [images, classes]
    /// - Throws: `TorchError` if shapes do not fit.
    func logits(_ features: Tensor, classes: NamedClasses) throws(TorchError) -> Tensor
}

extension FeatureClassifier {
    public var constants: [(name: String, value: Tensor)] { [] }
}

/// The classes by name alone: what the others are compared with.
public struct ZeroShot: FeatureClassifier {
    /// A classifier that learns nothing.
    public init() {}

    public var kind: FeatureHead { .zeroShot }
    public var parameters: [(name: String, value: Tensor)] { [] }

    public func replacing(_ values: [Tensor]) -> ZeroShot { self }

    public func logits(
        _ features: Tensor,
        classes: NamedClasses
    ) throws(TorchError) -> Tensor { try classes.logits(features) }
}
