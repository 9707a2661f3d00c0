internal import GraftLayers

extension Union: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable { case members }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        try self.init(fields.required(.members, as: [StoredMethod].self).map(\.method))
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(members.map(StoredMethod.init), forKey: .members)
    }
}
