/// A function, method, filter or test with the values it is called with.
struct TemplateCall {
    let name: String
    let positional: [TemplateValue]
    let named: [(name: String, value: TemplateValue)]
    let line: Int

    /// Confirms that there are no other arguments than these.
    func takes(_ names: [String]) throws(ChatTemplateError) {
        if positional.count > names.count {
            throw .unsupported(
                line: line,
                construct: "\(name) with \(positional.count) arguments"
            )
        }
        if let stranger = named.first(where: { !names.contains($0.name) }) {
            throw .unsupported(line: line, construct: "\(name) with \(stranger.name)")
        }
    }

    /// An argument, by place or by name.
    func optional(_ index: Int, _ name: String) -> TemplateValue? {
        index < positional.count
            ? positional[index] : named.last { $0.name == name }?.value
    }

    func argument(_ index: Int, _ name: String) throws(ChatTemplateError) -> TemplateValue {
        if let value = optional(index, name) { return value }
        throw .evaluation(line: line, problem: "\(self.name) needs an argument, \(name)")
    }

    func string(_ index: Int, _ name: String) throws(ChatTemplateError) -> String {
        let value = try argument(index, name)
        if case .string(let text) = value { return text }
        throw .evaluation(
            line: line,
            problem: "\(self.name) needs a string as \(name), found \(value.kind)"
        )
    }

    func failure(_ problem: String) -> ChatTemplateError {
        .evaluation(line: line, problem: problem)
    }
}

/// What operators and subscripts do, as Python does it.
enum TemplateOperations {
    /// The longest text, in bytes; a loop that never ends cannot be written, but nested ones grow fast.
    static let textLimit = 1 << 26

    /// Two texts, one after the other.
    private static func joined(
        _ a: String,
        _ b: String,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        guard a.utf8.count + b.utf8.count <= textLimit else {
            throw .evaluation(line: line, problem: "a text too long")
        }
        return .string(a + b)
    }

    /// What `dict` and `namespace` are called with: a dictionary, perhaps, and members by name.
    static func members(
        _ call: TemplateCall
    ) throws(ChatTemplateError) -> [(name: String, value: TemplateValue)] {
        var members: [(name: String, value: TemplateValue)] = []
        if let first = call.positional.first {
            guard call.positional.count == 1, case .object(let start) = first else {
                throw .unsupported(line: call.line, construct: "\(call.name) of \(first.kind)")
            }
            members = start
        }
        for (name, value) in call.named {
            if let place = members.firstIndex(where: { $0.name == name }) {
                members[place].value = value
            } else {
                members.append((name, value))
            }
        }
        return members
    }

    /// A member by a path with dots, as filters name it.
    static func attribute(
        _ path: TemplateValue,
        of base: TemplateValue,
        default other: TemplateValue? = nil,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        guard case .string(let names) = path else { return try member(path, of: base, line) }
        var value = base
        for name in names.split(separator: ".", omittingEmptySubsequences: false) {
            let key = Int(name).map { TemplateValue.integer($0) } ?? .string(String(name))
            value = try member(key, of: value, line)
            if case .undefined = value, let other { value = other }
        }
        return value
    }

    /// What a loop goes through.
    static func elements(
        of value: TemplateValue,
        _ line: Int
    ) throws(ChatTemplateError) -> [TemplateValue] {
        switch value {
        case .undefined: []
        case .array(let elements): elements
        case .object(let members): members.map { .string($0.name) }
        case .string(let text): text.unicodeScalars.map { .string(String($0)) }
        default: throw .evaluation(line: line, problem: "\(value.kind) has no elements")
        }
    }

    static func member(
        _ key: TemplateValue,
        of base: TemplateValue,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        if case .undefined = base {
            throw .evaluation(line: line, problem: "\(key.text) of an undefined value")
        }
        switch (base, key) {
        case (.object, .string(let name)): return base.member(name) ?? .undefined
        case (.array(let elements), .integer(let index)):
            let place = index < 0 ? index + elements.count : index
            return elements.indices.contains(place) ? elements[place] : .undefined
        case (.string(let text), .integer(let index)):
            let scalars = Array(text.unicodeScalars)
            let place = index < 0 ? index + scalars.count : index
            return scalars.indices.contains(place) ? .string(String(scalars[place])) : .undefined
        default: return .undefined
        }
    }

    static func slice(
        _ base: TemplateValue,
        _ from: Int?,
        _ to: Int?,
        _ step: Int,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        guard step != 0 else { throw .evaluation(line: line, problem: "a step of 0") }
        func places(_ count: Int) -> [Int] {
            func bounded(_ place: Int?, _ absent: Int) -> Int {
                guard let place else { return absent }
                let range = step > 0 ? 0...count : -1...count - 1
                let counted = place < 0 ? place + count : place
                return min(max(counted, range.lowerBound), range.upperBound)
            }
            let start = bounded(from, step > 0 ? 0 : count - 1)
            let end = bounded(to, step > 0 ? count : -1)
            return Array(stride(from: start, to: end, by: step))
        }
        switch base {
        case .array(let elements): return .array(places(elements.count).map { elements[$0] })
        case .string(let text):
            let scalars = Array(text.unicodeScalars)
            var part = String.UnicodeScalarView()
            part.append(contentsOf: places(scalars.count).map { scalars[$0] })
            return .string(String(part))
        default: throw .evaluation(line: line, problem: "\(base.kind) cannot be cut")
        }
    }

    static func binary(
        _ left: TemplateValue,
        _ symbol: String,
        _ right: TemplateValue,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        switch symbol {
        case "==": return .bool(TemplateValue.areEqual(left, right))
        case "!=": return .bool(!TemplateValue.areEqual(left, right))
        case "in": return .bool(try contains(right, left, line))
        case "not in": return .bool(!(try contains(right, left, line)))
        case "~": return try joined(left.text, right.text, line)
        case "<", ">", "<=", ">=": return .bool(try compare(left, symbol, right, line))
        default: break
        }
        switch (left, symbol, right) {
        case (.string(let a), "+", .string(let b)): return try joined(a, b, line)
        case (.array(let a), "+", .array(let b)):
            guard a.count + b.count <= 1 << 20 else {
                throw .evaluation(line: line, problem: "a list too long")
            }
            return .array(a + b)
        case (.string(let text), "*", .integer(let count)):
            let (size, overflow) = text.utf8.count.multipliedReportingOverflow(by: max(0, count))
            guard !overflow, size <= textLimit else {
                throw .evaluation(line: line, problem: "a text too long")
            }
            return .string(String(repeating: text, count: size == 0 ? 0 : count))
        default: break
        }
        guard let a = left.number, let b = right.number else {
            throw .evaluation(
                line: line,
                problem: "\(left.kind) \(symbol) \(right.kind) has no value"
            )
        }
        return try arithmetic(left, a, symbol, right, b, line)
    }

    private static func arithmetic(
        _ left: TemplateValue,
        _ a: Double,
        _ symbol: String,
        _ right: TemplateValue,
        _ b: Double,
        _ line: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        if ["/", "//", "%"].contains(symbol), b == 0 {
            throw .evaluation(line: line, problem: "a division by zero")
        }
        if symbol == "/" { return .float(a / b) }
        if let m = left.integer, let n = right.integer {
            let (value, overflow): (Int, Bool)
            switch symbol {
            case "+": (value, overflow) = m.addingReportingOverflow(n)
            case "-": (value, overflow) = m.subtractingReportingOverflow(n)
            case "*": (value, overflow) = m.multipliedReportingOverflow(by: n)
            case "//", "%":
                // Towards minus infinity, where Swift goes towards zero.
                let (quotient, isTooLarge) = m.dividedReportingOverflow(by: n)
                let rest = m.remainderReportingOverflow(dividingBy: n).partialValue
                let isBelow = rest != 0 && (rest < 0) != (n < 0)
                overflow = isTooLarge && symbol == "//"
                value = symbol == "//" ? quotient - (isBelow ? 1 : 0) : rest + (isBelow ? n : 0)
            default: throw .unsupported(line: line, construct: "the operator \(symbol)")
            }
            guard !overflow else { throw .evaluation(line: line, problem: "a number too large") }
            return .integer(value)
        }
        switch symbol {
        case "+": return .float(a + b)
        case "-": return .float(a - b)
        case "*": return .float(a * b)
        case "//": return .float((a / b).rounded(.down))
        case "%": return .float(a - b * (a / b).rounded(.down))
        default: throw .unsupported(line: line, construct: "the operator \(symbol)")
        }
    }

    private static func compare(
        _ left: TemplateValue,
        _ symbol: String,
        _ right: TemplateValue,
        _ line: Int
    ) throws(ChatTemplateError) -> Bool {
        func ordered<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
            switch symbol {
            case "<": a < b
            case ">": a > b
            case "<=": a <= b
            default: a >= b
            }
        }
        if let a = left.number, let b = right.number { return ordered(a, b) }
        if case .string(let a) = left, case .string(let b) = right {
            let isLess = a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
            return ordered(isLess ? 0 : a.utf8.elementsEqual(b.utf8) ? 1 : 2, 1)
        }
        throw .evaluation(line: line, problem: "\(left.kind) and \(right.kind) have no order")
    }

    static func contains(
        _ container: TemplateValue,
        _ value: TemplateValue,
        _ line: Int
    ) throws(ChatTemplateError) -> Bool {
        switch (container, value) {
        case (.undefined, _): return false
        case (.array(let elements), _):
            return elements.contains { TemplateValue.areEqual($0, value) }
        case (.object, .string(let name)): return container.member(name) != nil
        case (.object, _): return false
        case (.string(let text), .string(let part)):
            return part.isEmpty || !Array(text.utf8).ranges(of: Array(part.utf8)).isEmpty
        default:
            throw .evaluation(
                line: line,
                problem: "\(container.kind) cannot contain \(value.kind)"
            )
        }
    }

    static func range(_ call: TemplateCall) throws(ChatTemplateError) -> [TemplateValue] {
        guard call.named.isEmpty else { throw call.failure("range takes no names") }
        var numbers: [Int] = []
        for value in call.positional {
            guard case .integer(let number) = value else {
                throw call.failure("range needs whole numbers, found \(value.kind)")
            }
            numbers.append(number)
        }
        guard (1...3).contains(numbers.count) else { throw call.failure("range needs a number") }
        let (start, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
        let step = numbers.count == 3 ? numbers[2] : 1
        let (length, overflow) = end.subtractingReportingOverflow(start)
        guard step != 0, !overflow, length.magnitude <= 100_000 else {
            throw call.failure("a range that is too long")
        }
        return stride(from: start, to: end, by: step).map { .integer($0) }
    }
}
