extension TemplateValue {
    /// Reads a value from JSON, members of objects in their order.
    ///
    /// - Returns: `nil` if the text is not JSON.
    public init?(json text: String) {
        guard let tree = try? JSONParser.parse(Array(text.utf8)) else { return nil }
        self.init(tree)
    }

    init(_ tree: JSONTree) {
        switch tree {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .float(number)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map { TemplateValue($0) })
        case .object(let members):
            self = .object(members.map { ($0.name, TemplateValue($0.value)) })
        }
    }
}
