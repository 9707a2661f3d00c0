import Foundation
import GraftTestSupport
import GraftVision
import Testing

@Suite("Decoding against Pillow")  // Tools/reference/images.py, seed 51
struct DecodingTests {
    @Test func `pixels of every kind of file are equal`() throws {
        let fixture = try Fixture("images/decoded")
        #expect(fixture.tensors.count == 34)
        for (name, pixels) in fixture.tensors {
            let image = try ImageDecoder().decode(imageFile(name))
            #expect(image == (try RGBImage(pixels)), "\(name)")
        }
    }

    @Test(arguments: ["baseline.jpg", "progressive.jpg", "rgb.png", "interlaced.png", "lossy.webp"])
    func `a file that is cut short is refused`(name: String) throws {
        let file = try imageFile(name)
        for length in [file.count / 4, file.count / 2, file.count - 20] {
            #expect(throws: ImageError.self, "\(length) of \(file.count)") {
                try ImageDecoder().decode(Array(file.prefix(length)))
            }
        }
    }

    @Test func `no damage leads to anything but a picture or an error`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: imageFolder).sorted()
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &generator)
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var decoder = ImageDecoder()
        // A damaged header may claim a large picture: that is another test's subject.
        decoder.pixelLimit = 1 << 16
        var outcomes = (pictures: 0, errors: 0)
        for name in names where ImageFormat(of: try imageFile(name)) != nil {
            let file = try imageFile(name)
            for _ in 0..<60 {
                var damaged = file
                for _ in 0...next(4) { damaged[next(damaged.count)] = UInt8(next(256)) }
                if next(3) == 0 { damaged.removeLast(next(damaged.count)) }
                do throws(ImageError) {
                    _ = try decoder.decode(damaged)
                    outcomes.pictures += 1
                } catch {
                    outcomes.errors += 1
                }
            }
        }
        #expect(outcomes.pictures > 0 && outcomes.errors > 0, "seed \(seed): \(outcomes)")
    }

    @Test func `a small file that claims a large picture takes no memory`() throws {
        var png = try imageFile("rgb.png")
        png.replaceSubrange(16..<24, with: [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60])
        // The header's checksum is right again: the claim is valid.
        png.replaceSubrange(29..<33, with: crc32(png[12..<29]))
        #expect(
            throws: ImageError.tooLarge(width: 60_000, height: 60_000, limit: 89_478_485)
        ) { try ImageDecoder().decode(png) }
        var decoder = ImageDecoder()
        decoder.pixelLimit = 19 * 13 - 1
        #expect(throws: ImageError.tooLarge(width: 19, height: 13, limit: 246)) {
            try decoder.decode(imageFile("baseline.jpg"))
        }
    }

    @Test func `what is no picture is refused by name of the cause`() {
        #expect(complaint { _ = try ImageDecoder().decode([]) } == "the file is empty")
        #expect(
            complaint { _ = try ImageDecoder().decode(Array("GIF89a......".utf8)) }
                == "not an image of a known format (known: JPEG, PNG, WebP)"
        )
        let head: [UInt8] = [0xff, 0xd8, 0xff, 0xe0, 0, 2]
        #expect(
            complaint { _ = try ImageDecoder().decode(head) }?.hasPrefix("damaged JPEG file: ")
                == true
        )
    }
}

/// The checksum of a PNG chunk's name and content, big-endian.
func crc32(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var sum: UInt32 = ~0
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: ~sum >> $0) }
}
