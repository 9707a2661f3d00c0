import Foundation
import GraftLayers
import Testing

private enum Role: String, Codable, CaseIterable {
    case query, key, value
}

/// A configuration as an adapter method writes it.
private struct Method: Decodable, Equatable {
    var rank = 8
    var alpha = 16.0
    var roles: [Role] = [.query, .value]

    enum CodingKeys: String, CodingKey, CaseIterable { case rank, alpha, roles }

    init() {}

    init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        rank = try fields.value(.rank, default: rank)
        alpha = try fields.value(.alpha, default: alpha)
        roles = try fields.value(.roles, default: roles)
        guard rank > 0 else {
            throw ConfigurationError(field: "rank", problem: "must be positive, found \(rank)")
        }
    }
}

private struct Run: Decodable {
    let name: String
    let method: Method
    let others: [Method]
    let seed: UInt?

    enum CodingKeys: String, CodingKey, CaseIterable { case name, method, others, seed }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        name = try fields.required(.name)
        method = try fields.value(.method, default: Method())
        others = try fields.value(.others, default: [])
        seed = try fields.optional(.seed)
        if name.isEmpty { throw fields.invalid(.name, "must not be empty") }
    }
}

/// A type with the compiler's own decoding, of a file with fields that are not ours.
private struct Model: Decodable {
    let hidden_size: Int
    let layers: [Layer]?
    let kind: Role?

    struct Layer: Decodable { let width: Double }
}

@Suite struct StrictDecodingTests {
    private func decode<Value: Decodable>(
        _ json: String,
        as type: Value.Type,
        from name: String = "run.json"
    ) throws(ConfigurationError) -> Value {
        try ConfigurationFile(Data(json.utf8), path: name).decode(type)
    }

    private func message<Value: Decodable>(_ json: String, as type: Value.Type) -> String {
        let error = #expect(throws: ConfigurationError.self) { try decode(json, as: type) }
        return error?.description ?? "no error"
    }

    @Test func `absent and null fields take their defaults`() throws {
        let method = try decode(#"{"alpha": 2, "roles": null}"#, as: Method.self)
        #expect(method.rank == 8)
        #expect(method.alpha == 2)
        #expect(method.roles == [.query, .value])
        #expect(try decode(#"{"name": "a", "seed": null}"#, as: Run.self).seed == nil)
    }

    @Test(arguments: [
        (#"{"rnak": 4}"#, "run.json: unknown setting 'rnak' (did you mean 'rank'?)"),
        (#"{"Alpha": 4}"#, "run.json: unknown setting 'Alpha' (did you mean 'alpha'?)"),
        (#"{"x": 4}"#, "run.json: unknown setting 'x' (known: alpha, rank, roles)"),
        (#"{"rank": "a"}"#, #"run.json: rank: expected an integer, found "a""#),
        (#"{"rank": 1.5}"#, "run.json: rank: expected an integer, found 1.5"),
        (#"{"rank": [1]}"#, "run.json: rank: expected an integer, found a list of 1"),
        (#"{"rank": -1}"#, "run.json: rank: must be positive, found -1"),
        (#"{"alpha": true}"#, "run.json: alpha: expected a number, found true"),
        (#"{"roles": {}}"#, "run.json: roles: expected a list, found an object"),
        (
            #"{"roles": [null]}"#,
            #"run.json: roles[0]: expected one of "query", "key", "value", found null"#
        ),
        (
            #"{"roles": ["key", "qeury"]}"#,
            #"run.json: roles[1]: expected one of "query", "key", "value", found "qeury" "#
                + #"(did you mean "query"?)"#
        ),
        ("[1, 2]", "run.json: expected an object, found a list of 2"),
    ])
    func `an error names the field and quotes what stands there`(json: String, text: String) {
        #expect(message(json, as: Method.self) == text)
    }

    @Test(arguments: [
        ("{}", "run.json: name: is missing"),
        (#"{"name": ""}"#, "run.json: name: must not be empty"),
        (
            #"{"name": "a", "seed": -1}"#,
            "run.json: seed: expected a non-negative integer, found -1"
        ),
        (
            #"{"name": "a", "method": {"rank": 0}}"#,
            "run.json: method.rank: must be positive, found 0"
        ),
        (
            #"{"name": "a", "method": {"rank": "b"}}"#,
            #"run.json: method.rank: expected an integer, found "b""#
        ),
        (
            #"{"name": "a", "others": [{}, {"rnak": 0}]}"#,
            "run.json: others[1]: unknown setting 'rnak' (did you mean 'rank'?)"
        ),
        (
            #"{"name": "a", "others": [{}, {"alpha": "b"}]}"#,
            #"run.json: others[1].alpha: expected a number, found "b""#
        ),
    ])
    func `nested errors carry the whole path`(json: String, text: String) {
        #expect(message(json, as: Run.self) == text)
    }

    @Test(arguments: [
        (
            #"{"hidden_size": "a", "other": 1}"#,
            #"run.json: hidden_size: expected an integer, found "a""#
        ),
        (
            #"{"hidden_size": 1e30}"#,
            "run.json: hidden_size: 1e+30 does not fit (hint: an integer is expected)"
        ),
        ("{}", "run.json: hidden_size: is missing"),
        (
            #"{"hidden_size": 1, "layers": [{"width": null}]}"#,
            "run.json: layers[0].width: expected a number, found null"
        ),
    ])
    func `synthesized decoding gets the same errors`(json: String, text: String) {
        #expect(message(json, as: Model.self) == text)
    }

    @Test func `text that is not JSON is one line`() {
        let text = message("{\"rank\": 1,\n oops}", as: Method.self)
        #expect(text.hasPrefix("run.json: is not valid JSON: "))
        #expect(!text.contains("\n"))
    }

    @Test func `unknown fields of other systems may be ignored`() throws {
        struct Foreign: Decodable {
            let size: Int
            enum CodingKeys: String, CodingKey, CaseIterable { case size }
            init(from decoder: any Decoder) throws {
                size = try decoder.fields(CodingKeys.self, unknown: .ignored).required(.size)
            }
        }
        #expect(try decode(#"{"size": 3, "torch_dtype": "float32"}"#, as: Foreign.self).size == 3)
    }

    @Test func `a file that cannot be read says why`() throws {
        let folder = FileManager.default.temporaryDirectory.path
        let missing = folder + "/\(UUID().uuidString).json"
        let absent = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile(path: missing)
        }
        #expect(absent?.description == "\(missing): no such file")
        let wrong = #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: folder) }
        #expect(wrong?.description == "\(folder): is a folder, not a file")
    }

    @Test(arguments: [
        ("rnak", "rank"), ("Batch-Size", "batch_size"), ("epoch", "epochs"), ("zzzz", nil),
        ("learning_rte", "learning_rate"), ("", nil),
    ])
    func `the nearest name is suggested only when it is near`(written: String, meant: String?) {
        let names = ["rank", "batch_size", "epochs", "learning_rate"]
        #expect(names.nearest(to: written) == meant)
    }
}
