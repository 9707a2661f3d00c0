/// The letters that byte-level vocabularies spell bytes with.
///
/// Printable bytes are themselves, as in Latin-1; the other 68 are the letters from U+0100 on, so that a
/// space is `Ġ`.
///
/// Reference: `bytes_to_unicode` in `encoder.py` of GPT-2.
enum ByteAlphabet {
    /// The letter of each byte, in UTF-8.
    static let letters: [[UInt8]] = scalars.map { Array(String($0).utf8) }

    private static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (UInt8.min...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? "\u{FFFD}"
            }
        }
    }()

    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x200)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    /// The byte that a letter stands for.
    static func byte(of letter: Unicode.Scalar) -> UInt8? {
        letter.value < 0x200 ? bytes[Int(letter.value)] : nil
    }

    /// The letters of bytes, in UTF-8.
    static func spelling(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var spelling: [UInt8] = []
        for byte in bytes { spelling += letters[Int(byte)] }
        return spelling
    }
}
