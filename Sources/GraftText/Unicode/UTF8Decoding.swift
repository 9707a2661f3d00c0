/// Scalars of byte arrays that are known to be valid UTF-8, because they were a `String`.
extension [UInt8] {
    /// The scalar that starts at `index`, and how many bytes it takes.
    @inline(__always)
    func scalar(at index: Int) -> (scalar: Unicode.Scalar, width: Int) {
        let lead = self[index]
        if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
        func tail(_ distance: Int) -> UInt32 { UInt32(self[index + distance] & 0x3F) }
        let (value, width): (UInt32, Int) =
            switch lead {
            case ..<0xE0: (UInt32(lead & 0x1F) << 6 | tail(1), 2)
            case ..<0xF0: (UInt32(lead & 0x0F) << 12 | tail(1) << 6 | tail(2), 3)
            default: (UInt32(lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4)
            }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", width)
    }

    /// How many bytes the scalar that starts at `index` takes.
    @inline(__always)
    func width(at index: Int) -> Int {
        switch self[index] {
        case ..<0x80: 1
        case ..<0xE0: 2
        case ..<0xF0: 3
        default: 4
        }
    }

    /// The smallest range of whole scalars around `range`.
    func scalarRange(around range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
        while end < count, self[end] & 0xC0 == 0x80 { end += 1 }
        return start..<end
    }

    /// The scalar that ends before `index`, which must not be the start.
    func scalar(before index: Int) -> Unicode.Scalar {
        var start = index - 1
        while self[start] & 0xC0 == 0x80 { start -= 1 }
        return scalar(at: start).scalar
    }
}
