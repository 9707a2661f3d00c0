import Foundation
import GraftFormats
import Testing

@Suite struct SafetensorsFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func message(_ contents: [UInt8]) throws -> String {
        let path = try folder.write(contents, to: "a.safetensors")
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
        let text = try #require(error).description
        #expect(text.hasPrefix(path + ": "))
        return String(text.dropFirst(path.count + 2))
    }

    @Test func `every element type of the reference is read`() throws {
        let file = try SafetensorsFile(path: fixture("every_type.safetensors"))
        #expect(file.metadata == ["format": "pt"])
        #expect(Set(file.names) == Set(ElementType.allCases.map(\.rawValue)))
        for entry in file.entries {
            #expect(entry.elementType.rawValue == entry.name)
            #expect(entry.shape == [2, 3])
            #expect(entry.elementCount == 6)
            #expect(entry.isAligned)
        }
        func values<Value: Equatable>(_ name: String, as type: Value.Type) throws -> [Value] {
            try unsafe file.withUnsafeBytes(of: name) { unsafe Array($0.bindMemory(to: type)) }
        }
        #expect(try values("F32", as: Float.self) == [0, 1, 2, 3, 4, 5])
        #expect(try values("F64", as: Double.self) == [0, 1, 2, 3, 4, 5])
        #expect(try values("I64", as: Int64.self) == [0, 1, 2, 3, 4, 5])
        #expect(try values("U16", as: UInt16.self) == [0, 1, 2, 3, 4, 5])
        #expect(try values("BOOL", as: UInt8.self) == [0, 1, 0, 1, 0, 1])
        // bfloat16 is the upper half of a float32: 5 = 0x40A0.
        #expect(try values("BF16", as: UInt16.self).last == 0x40A0)
        #expect(try values("F8_E4M3", as: UInt8.self) == [0, 0x38, 0x40, 0x44, 0x48, 0x4A])
    }

    @Test func `scalars, empty tensors and hard names are read`() throws {
        let file = try SafetensorsFile(path: fixture("odd_names.safetensors"))
        #expect(file["scalar"]?.shape == [])
        #expect(file["scalar"]?.elementCount == 1)
        #expect(file["empty"]?.shape == [0, 4])
        #expect(file["empty"]?.byteRange.isEmpty == true)
        #expect(file[""]?.elementType == .uint8)
        #expect(file["Gewicht-ß-重み-🧠"]?.shape == [3])
        #expect(file["quote\" back\\slash\tnew\nline\u{1}\u{7F}/"]?.elementType == .float16)
        #expect(file["absent"] == nil)
    }

    @Test func `names that differ only in Unicode composition are two tensors`() throws {
        let file = try SafetensorsFile(path: fixture("odd_names.safetensors"))
        func value(_ name: String) throws -> Float {
            try unsafe file.withUnsafeBytes(of: name) { unsafe $0.loadUnaligned(as: Float.self) }
        }
        #expect(try value("caf\u{E9}") == 1)
        #expect(try value("cafe\u{301}") == 2)
    }

    @Test func `a tensor at an odd address is readable and says so`() throws {
        let header =
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
            + #""b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}"#
        let path = try folder.write(safetensors(header, data: 5), to: "odd.safetensors")
        let file = try SafetensorsFile(path: path)
        let entry = try file.entry("b")
        #expect(!entry.isAligned)
        #expect(unsafe file.withUnsafeBytes(of: entry) { unsafe Array($0) } == [1, 2, 3, 4])
    }

    @Test func `a missing tensor is an error that suggests the nearest`() throws {
        let path = fixture("odd_names.safetensors")
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(path: path).entry("scalr")
        }
        #expect(
            error?.description
                == "\(path): tensor 'scalr': is not in the file (hint: did you mean 'scalar'?)"
        )
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,4]}}"#, 4, "unknown dtype 'F4'"),
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4,
            "tensor 'a': has 4 bytes instead of 8 for F32 [2]"
        ),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, 4, "reversed data_offsets"),
        (#"{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}"#, 4, "a dimension is negative"),
        (#"{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}"#, 4, "not an integer"),
        (#"{"a":{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}}"#, 4, "not an integer"),
        (#"{"a":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}"#, 4, "leading zero"),
        (
            #"{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4,
            "a dimension is too large"
        ),
        (
            #"{"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, 4,
            "a shape too large for any memory"
        ),
        (
            #"{"a":{"dtype":"F64","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
            "a shape too large for any memory"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}"#, 4,
            "needs bytes 0 to 8 of the data, which has 4 (hint: the file is cut short"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 4,
            "2 bytes that belong to no tensor"
        ),
        (#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, 4, "after a hole of 2 bytes"),
        (
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"#
                + #""b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, 4,
            "tensor 'b': overlaps another tensor"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
                + #""a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, 4,
            "tensor 'a': is in the header twice"
        ),
        (
            #"{"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"#
                + #""a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, 0, "twice"
        ),
        (#"{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}"#, 4, "twice"),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1}}"#, 4,
            "unknown field 'more'"
        ),
        (#"{"a":{"dtype":"U8","shape":[4]}}"#, 4, "has no data_offsets"),
        (#"{"a":{"shape":[4],"data_offsets":[0,4]}}"#, 4, "has no dtype"),
        (#"{"a":{"dtype":"U8","data_offsets":[0,4]}}"#, 4, "has no shape"),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}"#, 4, "3 data_offsets"),
        (#"{"a":{"dtype":"U8","shape":null,"data_offsets":[0,4]}}"#, 4, "expected '['"),
        (#"{"a":[]}"#, 0, "expected '{'"),
        (#"{"__metadata__":{"a":1}}"#, 0, "expected '\"'"),
        (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "the metadata has 'a' twice"),
        (#"{"__metadata__":{},"__metadata__":{}}"#, 0, "in the header twice"),
        (#"{"a"#, 0, "the header ends within a name"),
        (#"{"a":{"dtype":"#, 0, "but the header ends"),
        (#"{} x"#, 0, "goes on after its end"),
        (#"{"\ud83d":{}}"#, 0, "half a pair"),
        (#"{"\q":{}}"#, 0, "unknown escape"),
        ("{\"a\nb\":{}}", 0, "unescaped control character"),
        (" {}", 0, "does not begin with '{'"),
        ("[]", 0, "does not begin with '{'"),
    ])
    func `a header that breaks the format is refused`(
        header: String,
        data: Int,
        expected: String
    ) throws {
        let text = try message(safetensors(header, data: data))
        #expect(text.contains(expected))
        #expect(!text.contains("\n"))
    }

    @Test(arguments: [
        ([], "is empty"),
        ([1, 0, 0], "is shorter than a header"),
        (safetensors("", length: 0), "has a header of 0 bytes"),
        (safetensors("{}", length: 3), "ends within its header of 3 bytes"),
        (safetensors("{}", length: 100_000_001), "more than 100000000"),
        (safetensors("{}", length: .max), "has a header of 18446744073709551615 bytes"),
        (safetensors("{}", length: 1 << 63), "has a header of 9223372036854775808 bytes"),
        (Array("PK\u{3}\u{4}\u{0}\u{0}\u{0}\u{0}archive/data.pkl".utf8), "ends within its header"),
    ])
    func `a length that lies is refused`(contents: [UInt8], expected: String) throws {
        let text = try message(contents)
        #expect(text.contains(expected))
        #expect(text.contains("is this a safetensors file"))
    }

    @Test func `a name that is not UTF-8 is refused`() throws {
        var contents = safetensors(#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)
        contents[10] = 0xFF
        #expect(try message(contents).contains("not valid UTF-8"))
    }

    @Test func `hostile names stay on one short line`() throws {
        let name = String(repeating: "x", count: 500) + #"\n\u001b[31m\u2028"#
        let text = try message(safetensors("{\"\\u202e\\n\(name)\":{}}"))
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
        #expect(text.count < 250)
    }

    @Test func `what is not a regular file is refused without waiting`() throws {
        let pipe = folder.path + "/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        for (path, reason) in [
            (folder.path, "is a folder, not a file"), (pipe, "is not a regular file"),
            (folder.path + "/absent", "cannot open: No such file or directory"),
        ] {
            let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
            #expect(error?.problem == reason)
        }
    }

    @Test func `the mapping outlives the file value and the deletion of the file`() throws {
        let contents = try bytes(of: fixture("every_type.safetensors"))
        let path = try folder.write(contents, to: "gone.safetensors")
        var file: SafetensorsFile? = try SafetensorsFile(path: path)
        let entry = try #require(file?["I64"])
        let mapping = try #require(file?.mapping)
        file = nil
        try FileManager.default.removeItem(atPath: path)
        mapping.advise(.dontNeed)
        mapping.advise(.willNeed, in: entry.byteRange)
        let read = unsafe mapping.withUnsafeBytes(in: entry.byteRange) { unsafe Array($0) }
        #expect(read == Array(contents[entry.byteRange]))
    }

    @Test func `a header of ten thousand tensors is read`() throws {
        let tensors = (0..<10_000).map { index in
            #""model.layers.\#(index).self_attn.q_proj.weight":{"dtype":"F32","shape":[1],"#
                + #""data_offsets":[\#(index * 4),\#(index * 4 + 4)]}"#
        }
        let header = "{\(tensors.joined(separator: ","))}"
        let path = try folder.write(safetensors(header, data: 40_000), to: "many.safetensors")
        let file = try SafetensorsFile(path: path)
        #expect(file.entries.count == 10_000)
        #expect(file["model.layers.9999.self_attn.q_proj.weight"]?.elementCount == 1)
    }
}
