import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// A fixture of a method with its parameters under our names, as `Tools/reference/methods.py` writes them.
struct MethodCase: ReferenceCase {
    let fixture: Fixture
    let expression: String
    let method: any AdapterMethod
    let head: HeadConfiguration
    let weightDecay: Double

    init(_ name: String) throws {
        fixture = try Fixture(name)
        expression = try #require(fixture.metadata["method"])
        method = try AdapterRegistry.builtin.method(named: expression)
        let kind = try #require(HeadKind(rawValue: fixture.metadata["head"] ?? ""))
        head = HeadConfiguration.ofFixture(kind, layers: try fixture.json("head_layers"))
        weightDecay = try fixture.json("weight_decay")
    }

    /// All fixtures of folders; a folder that cannot be read has none.
    static func names(in folders: [String]) -> [String] {
        folders.flatMap { (try? Fixture.names(in: $0)) ?? [] }
    }

    /// A method's settings as files carry them.
    static func stored<Method: AdapterMethod>(_ method: Method) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(method)
    }

    /// The method that the reference's own configuration is.
    func methodOfReference() throws -> (any AdapterMethod)? {
        guard let text = fixture.metadata["config"] else { return nil }
        var fields = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        for name in ["architecture", "dtype", "output_reft"] {
            fields?[name] = nil
        }
        func decoded<Method: AdapterMethod>(like method: Method) throws -> any AdapterMethod {
            try JSONDecoder().decode(
                Method.self,
                from: JSONSerialization.data(withJSONObject: fields ?? [:])
            )
        }
        return try decoded(like: method)
    }
}
