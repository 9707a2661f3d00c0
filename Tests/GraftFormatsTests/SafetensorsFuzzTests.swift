import GraftFormats
import Testing

/// A small generator with a seed, so that a failure can be repeated.
///
/// Reference: Steele et al., [SplitMix](https://doi.org/10.1145/2660193.2660195).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct SafetensorsFuzzTests {
    /// Mostly bytes that mean something in a header.
    private static let alphabet =
        Array("0123456789[]{},:\"\\-.eE \n\u{0}BFIU_x".utf8) + [0xFF, 0x80]

    private static func mutated(_ original: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes[place] = alphabet.randomElement(using: &random) ?? 0
            case 3: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
            case 4: bytes.remove(at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + place % 64))
            }
        }
        return bytes
    }

    @Test(arguments: ["every_type.safetensors", "odd_names.safetensors"])
    func `a damaged file is refused or read within its bounds`(name: String) throws {
        let folder = try TemporaryFolder()
        let original = try bytes(of: fixture(name))
        var (read, refused) = (0, 0)
        for seed in 0..<4_000 as Range<UInt64> {
            var random = SplitMix(state: seed)
            let contents = SafetensorsFuzzTests.mutated(original, &random)
            let path = try folder.write(contents, to: "damaged")
            do {
                let file = try SafetensorsFile(path: path)
                var end = file.entries.first?.byteRange.lowerBound ?? contents.count
                for entry in file.entries {
                    #expect(entry.byteRange.lowerBound == end, "seed \(seed)")
                    end = entry.byteRange.upperBound
                    let same = unsafe file.withUnsafeBytes(of: entry) {
                        unsafe $0.elementsEqual(contents[entry.byteRange])
                    }
                    #expect(same, "seed \(seed)")
                }
                #expect(end == contents.count, "seed \(seed)")
                read += 1
            } catch {
                #expect(!error.description.contains("\n"), "seed \(seed)")
                refused += 1
            }
        }
        #expect(read > 50)
        #expect(refused > 1_000)
    }
}
