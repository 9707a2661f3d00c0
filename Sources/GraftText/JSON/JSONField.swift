/// A value of a JSON file with the way to it, so that every complaint names file and field.
struct JSONField {
    let file: String
    let path: String
    let value: JSONTree

    /// A complaint about this field.
    func invalid(_ problem: String) -> TokenizerError {
        .invalid(file: file, field: path.isEmpty ? "top level" : path, problem: problem)
    }

    /// A complaint that this field names something Graft does not have.
    func unsupported(_ value: String, supported: [String]) -> TokenizerError {
        .unsupported(file: file, field: path, value: value, supported: supported)
    }

    private func mismatch(_ expected: String) -> TokenizerError {
        invalid("expected \(expected), found \(value.kind)")
    }

    private func named(_ name: String, _ value: JSONTree) -> JSONField {
        JSONField(file: file, path: path.isEmpty ? name : "\(path).\(name)", value: value)
    }

    var isNull: Bool { value == .null }

    /// The members of an object, which must be none but `allowed`, if given.
    func members(allowed: [String]? = nil) throws(TokenizerError) -> [JSONField] {
        guard case .object(let members) = value else { throw mismatch("an object") }
        var fields: [JSONField] = []
        fields.reserveCapacity(members.count)
        for member in members {
            if let allowed, !allowed.contains(member.name) {
                throw invalid(
                    "\(member.name) is not known here (known: \(allowed.joined(separator: ", ")))"
                )
            }
            fields.append(named(member.name, member.value))
        }
        return fields
    }

    /// The names and values of an object that maps names to integers.
    func integers() throws(TokenizerError) -> [(name: String, value: Int)] {
        guard case .object(let members) = value else { throw mismatch("an object") }
        var pairs: [(name: String, value: Int)] = []
        pairs.reserveCapacity(members.count)
        for member in members {
            guard case .integer(let number) = member.value else {
                throw named(member.name, member.value).mismatch("an integer")
            }
            pairs.append((member.name, number))
        }
        return pairs
    }

    /// A member of an object; `null` if the object does not have it.
    func member(_ name: String) throws(TokenizerError) -> JSONField {
        guard case .object(let members) = value else { throw mismatch("an object") }
        let found = members.filter { $0.name.utf8.elementsEqual(name.utf8) }
        guard found.count < 2 else { throw named(name, .null).invalid("appears twice") }
        return named(name, found.first?.value ?? .null)
    }

    func elements() throws(TokenizerError) -> [JSONField] {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        return elements.enumerated().map { index, element in
            JSONField(file: file, path: "\(path)[\(index)]", value: element)
        }
    }

    /// The number of elements of an array.
    func elementCount() throws(TokenizerError) -> Int {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        return elements.count
    }

    /// Calls `body` with each element of an array, without an array of fields for all of them.
    func forEachElement(
        _ body: (JSONField) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        for (index, element) in elements.enumerated() {
            try body(JSONField(file: file, path: "\(path)[\(index)]", value: element))
        }
    }

    func string() throws(TokenizerError) -> String {
        guard case .string(let text) = value else { throw mismatch("a string") }
        return text
    }

    func bool() throws(TokenizerError) -> Bool {
        guard case .bool(let flag) = value else { throw mismatch("true or false") }
        return flag
    }

    /// An integer that is not negative.
    func count() throws(TokenizerError) -> Int {
        guard case .integer(let number) = value else { throw mismatch("an integer") }
        guard number >= 0 else { throw invalid("must not be negative, found \(number)") }
        return number
    }

    /// A token id.
    func id() throws(TokenizerError) -> Int32 {
        let number = try count()
        guard number < Vocabulary.idLimit else {
            throw invalid("\(number) is too large for a token id")
        }
        return Int32(number)
    }
}
