internal import GraftLayers

/// A method with its name, as adapter files store it.
package struct StoredMethod: Codable {
    /// The method.
    package let method: any AdapterMethod

    enum CodingKeys: String, CodingKey, CaseIterable {
        case method
        case settings = "configuration"
    }

    /// Wraps a method to be stored.
    package init(_ method: any AdapterMethod) { self.method = method }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        func settings<Method: AdapterMethod>(_ type: Method.Type) throws -> any AdapterMethod {
            try fields.required(.settings, as: type)
        }
        method = try settings(AdapterRegistry.builtin.type(identifier: fields.required(.method)))
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(type(of: method).identifier, forKey: .method)
        try method.encode(to: fields.superEncoder(forKey: .settings))
    }
}
