internal import Foundation
package import GraftVision

/// Views of pictures that are drawn anew in every step of training, so that a model cannot learn pictures by heart.
///
/// A view is a part of a picture as the model reads it, enlarged to the whole, or its mirror image. Evaluation and
/// prediction see pictures as they are.
///
/// Reference: torchvision's `RandomResizedCrop` (with bilinear interpolation) and `RandomHorizontalFlip`.
public struct Augmentation: Sendable, Hashable, Codable {
    /// Whether a picture is mirrored left to right, half of the time.
    public let flips: Bool
    /// The least share of a picture's area that a view shows, of at most 1.
    public let leastShare: Double

    /// What torchvision takes for the least share of the area.
    public static let usualShare = 0.08

    /// Describes views.
    ///
    /// - Parameters:
    ///   - flips: Whether a picture is mirrored left to right, half of the time.
    ///   - leastShare: The least share of the area that a view shows; 1 shows pictures whole.
    /// - Throws: ``TrainingError/settings(_:)`` if the share is not above 0 and at most 1, or nothing is drawn.
    public init(flips: Bool, leastShare: Double = 1) throws(TrainingError) {
        guard leastShare > 0, leastShare <= 1 else {
            throw .settings("crop is a share above 0 and at most 1, found \(leastShare)")
        }
        guard flips || leastShare < 1 else {
            throw .settings("crop=1 alone shows pictures as they are (hint: flip,crop=0.5)")
        }
        (self.flips, self.leastShare) = (flips, leastShare)
    }

    /// Draws a view of a picture.
    ///
    /// The share of the area is even between ``leastShare`` and 1, and the logarithm of width by height between those of
    /// 3 / 4 and 4 / 3. What does not fit is drawn again, ten times; then the picture is whole.
    package func view(
        width: Int,
        height: Int,
        using generator: inout some RandomNumberGenerator
    ) -> PreparedImages.View {
        var view = PreparedImages.View(width: width, height: height)
        if flips { view.isMirrored = Bool.random(using: &generator) }
        guard leastShare < 1 else { return view }
        for _ in 0..<10 {
            let area = Double(width * height) * .random(in: leastShare...1, using: &generator)
            let ratio = exp(.random(in: log(0.75)...log(4.0 / 3), using: &generator))
            let part = (
                width: Int((area * ratio).squareRoot().rounded()),
                height: Int((area / ratio).squareRoot().rounded())
            )
            guard (1...width).contains(part.width), (1...height).contains(part.height) else {
                continue
            }
            (view.width, view.height) = part
            view.left = .random(in: 0...width - part.width, using: &generator)
            view.top = .random(in: 0...height - part.height, using: &generator)
            break
        }
        return view
    }
}

extension Augmentation: CustomStringConvertible {
    /// As `--augment` takes it: `flip,crop=0.5`.
    public var description: String {
        let parts = [flips ? "flip" : nil, leastShare < 1 ? "crop=\(leastShare)" : nil]
        return parts.compactMap(\.self).joined(separator: ",")
    }

    /// Reads what `--augment` takes: `flip`, `crop`, `crop=0.5`, or both with a comma between.
    ///
    /// - Throws: ``TrainingError/settings(_:)`` naming what is none of these.
    public init(_ text: String) throws(TrainingError) {
        var (flips, share): (Bool, Double?) = (false, nil)
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch (pieces[0], pieces.count, pieces.last.flatMap { Double($0) }) {
            case ("flip", 1, _) where !flips: flips = true
            case ("crop", 1, _) where share == nil: share = Augmentation.usualShare
            case ("crop", 2, let value?) where share == nil: share = value
            default:
                throw .settings(
                    "expected flip, crop or crop=SHARE, each once, found '\(part)'"
                        + " (hint: flip,crop=0.5)"
                )
            }
        }
        try self.init(flips: flips, leastShare: share ?? 1)
    }
}
