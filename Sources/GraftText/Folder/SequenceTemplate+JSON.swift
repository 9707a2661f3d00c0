extension SequenceTemplate {
    /// Reads a `TemplateProcessing` section.
    init(_ section: JSONField) throws(TokenizerError) {
        _ = try section.members(allowed: ["type", "single", "pair", "special_tokens"])
        let specials = try section.member("special_tokens")
        let (single, pair) = (try section.member("single"), try section.member("pair"))
        self.init(
            single: try Self.pieces(single, specials),
            pair: try Self.pieces(pair, specials)
        )
        if self.single.contains(where: \.isSecond) {
            throw single.invalid("a template for one text must not ask for sequence B")
        }
        if !(self.pair.contains(where: \.isFirst) && self.pair.contains(where: \.isSecond)) {
            throw pair.invalid("a template for two texts must have sequences A and B")
        }
    }

    private static func pieces(
        _ list: JSONField,
        _ specials: JSONField
    ) throws(TokenizerError) -> [Piece] {
        var pieces: [Piece] = []
        for element in try list.elements() {
            let members = try element.members(allowed: ["SpecialToken", "Sequence"])
            guard members.count == 1, let body = members.first else {
                throw element.invalid("expected either SpecialToken or Sequence")
            }
            let typeID = try body.member("type_id").id()
            let name = try body.member("id").string()
            if try !element.member("SpecialToken").isNull {
                var ids: [Int32] = []
                for id in try specials.member(name).member("ids").elements() {
                    ids.append(try id.id())
                }
                pieces.append(.special(ids: ids, typeID: typeID))
            } else if name == "A" {
                pieces.append(.first(typeID: typeID))
            } else if name == "B" {
                pieces.append(.second(typeID: typeID))
            } else {
                throw try body.member("id").invalid("expected A or B, found \(name)")
            }
        }
        return pieces
    }
}

extension SequenceTemplate.Piece {
    fileprivate var isFirst: Bool {
        if case .first = self { true } else { false }
    }

    fileprivate var isSecond: Bool {
        if case .second = self { true } else { false }
    }
}
