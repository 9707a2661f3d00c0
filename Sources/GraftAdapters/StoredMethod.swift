package import GraftLayers

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
        method = try decoder.fields(CodingKeys.self).method(.method, settings: .settings)
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(method, forKey: .method, settings: .settings)
    }
}

extension ConfigurationFields {
    /// Returns the method that two fields store: its identifier, and its settings.
    package func method(_ key: Key, settings: Key) throws -> any AdapterMethod {
        func decoded<Method: AdapterMethod>(_ type: Method.Type) throws -> any AdapterMethod {
            try required(settings, as: type)
        }
        return try decoded(AdapterRegistry.builtin.type(identifier: required(key)))
    }
}

extension KeyedEncodingContainer {
    /// Stores a method in two fields: its identifier, and its settings.
    package mutating func encode(
        _ method: any AdapterMethod,
        forKey key: Key,
        settings: Key
    ) throws {
        try encode(type(of: method).identifier, forKey: key)
        try method.encode(to: superEncoder(forKey: settings))
    }
}
