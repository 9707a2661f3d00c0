/// A value in a chat template.
public indirect enum TemplateValue: Sendable {
    /// What a name has that nobody defined; it prints nothing and is false.
    case undefined
    case null
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    case array([TemplateValue])
    /// Members in their order.
    case object([(name: String, value: TemplateValue)])
    /// A `namespace(...)`, by its number in the rendering.
    case namespace(Int)

    /// Whether the value counts as true.
    var isTrue: Bool {
        switch self {
        case .undefined, .null: false
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .float(let number): number != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        case .namespace: true
        }
    }

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .undefined: "an undefined value"
        case .null: "none"
        case .bool: "a boolean"
        case .integer, .float: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "a dictionary"
        case .namespace: "a namespace"
        }
    }

    /// The number, if it is one; booleans count.
    var number: Double? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): Double(number)
        case .float(let number): number
        default: nil
        }
    }

    /// The whole number, if it is one; booleans count.
    var integer: Int? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): number
        default: nil
        }
    }

    /// A member of an object.
    package func member(_ name: String) -> TemplateValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// Whether both are equal, as Python has it.
    static func areEqual(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
        if let left = a.number, let right = b.number { return left == right }
        switch (a, b) {
        case (.undefined, .undefined), (.null, .null): return true
        case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy(areEqual)
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.allSatisfy { name, value in
                    b.member(name).map { areEqual($0, value) } ?? false
                }
        case (.namespace(let left), .namespace(let right)): return left == right
        default: return false
        }
    }

    /// The value as it is printed.
    var text: String {
        switch self {
        case .undefined: ""
        case .string(let text): text
        default: representation
        }
    }

    /// The value as Python writes it in a list.
    var representation: String {
        switch self {
        case .undefined: return "Undefined"
        case .null: return "None"
        case .bool(let flag): return flag ? "True" : "False"
        case .integer(let number): return String(number)
        case .float(let number): return Self.text(of: number)
        case .string(let text): return Self.quoted(text)
        case .array(let elements):
            return "[" + elements.map(\.representation).joined(separator: ", ") + "]"
        case .object(let members):
            let parts = members.map { Self.quoted($0.name) + ": " + $0.value.representation }
            return "{" + parts.joined(separator: ", ") + "}"
        case .namespace: return "<Namespace>"
        }
    }

    /// The value in JSON, as `json.dumps` writes it without escaping what is not ASCII.
    func json(indent: Int?, depth: Int = 0) -> String? {
        let (open, close): (String, String)
        if let indent {
            open = "\n" + String(repeating: " ", count: indent * (depth + 1))
            close = "\n" + String(repeating: " ", count: indent * depth)
        } else {
            (open, close) = ("", "")
        }
        func joined(_ parts: [String], _ brackets: (String, String)) -> String {
            guard !parts.isEmpty else { return brackets.0 + brackets.1 }
            let separator = indent == nil ? ", " : "," + open
            return brackets.0 + open + parts.joined(separator: separator) + close + brackets.1
        }
        switch self {
        case .undefined, .namespace: return nil
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .integer(let number): return String(number)
        case .float(let number): return Self.text(of: number)
        case .string(let text): return Self.jsonString(text)
        case .array(let elements):
            let parts = elements.compactMap { $0.json(indent: indent, depth: depth + 1) }
            return parts.count == elements.count ? joined(parts, ("[", "]")) : nil
        case .object(let members):
            let parts = members.compactMap { name, value in
                value.json(indent: indent, depth: depth + 1).map {
                    Self.jsonString(name) + ": " + $0
                }
            }
            return parts.count == members.count ? joined(parts, ("{", "}")) : nil
        }
    }

    private static func text(of number: Double) -> String {
        let text = number.description
        guard let mark = text.firstIndex(of: "e") else { return text }
        // Swift writes 1e+20 as Python does, but for the digits of a small exponent.
        let mantissa = text[..<mark]
        let exponent = Int(text[text.index(after: mark)...]) ?? 0
        let digits = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
        let short = mantissa.hasSuffix(".0") ? mantissa.dropLast(2) : mantissa
        return "\(short)e\(exponent < 0 ? "-" : "+")\(digits)"
    }

    private static func quoted(_ text: String) -> String {
        let quote = text.contains("'") && !text.contains("\"") ? "\"" : "'"
        var result = quote
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "'" where quote == "'": result += "\\'"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + quote
    }

    private static func jsonString(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case ..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
