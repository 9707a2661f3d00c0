internal import Foundation

/// How a picture is made larger or smaller, numbered as Pillow does.
public enum ResamplingFilter: Int, Sendable, Hashable, CaseIterable {
    case nearest = 0
    case lanczos = 1
    case bilinear = 2
    case bicubic = 3
    case box = 4
    case hamming = 5

    /// How far the filter reaches, in pixels of the coarser picture.
    var support: Double {
        switch self {
        case .nearest: 0
        case .box: 0.5
        case .bilinear, .hamming: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The weight of a pixel at a distance.
    func weight(at distance: Double) -> Double {
        let x = abs(distance)
        switch self {
        case .nearest: return 0
        case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bilinear: return x < 1 ? 1 - x : 0
        case .hamming:
            guard x < 1 else { return 0 }
            return x == 0 ? 1 : sinc(x) * (0.54 + 0.46 * cos(x * .pi))
        case .bicubic:
            // Keys' convolution with a = -0.5.
            if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0
        case .lanczos: return x < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }

    private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// For each pixel of one side, which pixels of the other size it is made of, and in what parts.
struct ResamplingWeights {
    /// The weights' binary places: a sum of weighted bytes keeps two bits of room.
    static let precision = 32 - 8 - 2

    /// The first pixel that each result reads.
    let starts: [Int]
    /// Fixed-point weights, ``count`` for each result.
    let values: [Int32]
    /// How many weights a result has; those past the end of the picture are 0 and not read.
    let counts: [Int]
    /// The distance between the weights of one result and those of the next.
    let stride: Int

    /// Computes the weights of a side.
    init(_ filter: ResamplingFilter, from size: Int, to newSize: Int) {
        let scale = Double(size) / Double(newSize)
        let stretch = max(scale, 1)
        let support = filter.support * stretch
        stride = Int(support.rounded(.up)) * 2 + 1
        var (starts, counts): ([Int], [Int]) = ([], [])
        var values = [Int32](repeating: 0, count: stride * newSize)
        for index in 0..<newSize {
            let center = (Double(index) + 0.5) * scale
            // Truncated, not rounded, as C does.
            let start = max(Int(center - support + 0.5), 0)
            let end = min(Int(center + support + 0.5), size)
            let weights = (start..<end).map { pixel in
                filter.weight(at: (Double(pixel) - center + 0.5) * (1 / stretch))
            }
            let sum = weights.reduce(0, +)
            for (offset, weight) in weights.enumerated() {
                let share = (sum == 0 ? weight : weight / sum) * Double(1 << Self.precision)
                values[index * stride + offset] = Int32(share + (share < 0 ? -0.5 : 0.5))
            }
            starts.append(start)
            counts.append(weights.count)
        }
        (self.starts, self.counts, self.values) = (starts, counts, values)
    }
}
