public import GraftLayers
public import GraftTorch

/// Writes rows of tokens on with a model of any family that writes.
public struct TokenWriter: Sendable {
    /// What was written behind a prompt.
    public struct Written: Sendable, Hashable {
        /// The new tokens, that which ended the row included.
        public var tokens: [Int32]
        /// Why there are no more.
        public var ending: Ending
    }

    /// A prompt that cannot be written on.
    public struct PromptError: Error, Hashable, CustomStringConvertible {
        /// The index of the prompt.
        public let row: Int
        /// What is wrong with it.
        public let problem: String

        public var description: String { "prompt \(row): \(problem)" }
    }

    /// Why a row ends.
    public enum Ending: String, Sendable, Hashable {
        /// The model wrote an end token.
        case end
        /// There are as many tokens as were asked for, or as the model has positions.
        case length
        /// The caller had enough, as at a stop string.
        case stop
    }

    /// The model.
    public let model: any LanguageModel
    /// What acts in it.
    public let adapters: SiteAdapters
    /// How tokens are chosen.
    public let options: GenerationOptions
    /// Where the model is.
    public let device: Device
    /// Whether keys and values are kept from step to step; if `nil`, where adapters let them be the same.
    public var usesCache: Bool?

    /// Prepares to write.
    ///
    /// - Throws: `ConfigurationError` naming an option that cannot be used.
    public init(
        _ model: any LanguageModel,
        adapters: SiteAdapters = SiteAdapters(),
        options: GenerationOptions,
        device: Device = .cpu
    ) throws(ConfigurationError) {
        try options.check()
        self.model = model
        self.adapters = adapters
        self.options = options
        self.device = device
    }

    /// Writes some rows on, all at once.
    ///
    /// What is drawn for a row depends on the seed and the row's key, not on the other rows.
    ///
    /// - Parameters:
    ///   - prompts: The tokens of each row, of which none is empty.
    ///   - keys: What names each row; by default its index.
    ///   - goesOn: Told of each new token of a row, end tokens excepted; `false` ends the row. A search tells nothing.
    /// - Returns: What was written behind each prompt.
    /// - Throws: ``PromptError`` if a prompt is empty or fills the model's positions; `TorchError` if memory runs out.
    public func callAsFunction(
        _ prompts: [[Int32]],
        keys: [UInt64]? = nil,
        goesOn: (_ row: Int, _ token: Int32) -> Bool = { _, _ in true }
    ) throws -> [Written] {
        guard !prompts.isEmpty else { return [] }
        if let row = prompts.firstIndex(where: \.isEmpty) {
            throw PromptError(row: row, problem: "the prompt has no tokens")
        }
        let draft = try model.draft(
            prompts,
            adapters: adapters,
            usesCache: usesCache,
            device: device
        )
        let limits = draft.room.map { min($0, options.maxNewTokens) }
        if let row = limits.firstIndex(of: 0) {
            throw PromptError(
                row: row,
                problem:
                    "the prompt has \(prompts[row].count) tokens and leaves no room in the model's"
                    + " \(model.shape.positions) positions (hint: shorten it)"
            )
        }
        if options.beams > 1 { return try search(draft, limits) }
        return try write(draft, limits, keys ?? prompts.indices.map(UInt64.init), goesOn)
    }

    private func write(
        _ draft: any Draft,
        _ limits: [Int],
        _ keys: [UInt64],
        _ goesOn: (Int, Int32) -> Bool
    ) throws(TorchError) -> [Written] {
        let choice = TokenChoice(options: options)
        var written = limits.map { _ in Written(tokens: [], ending: .length) }
        var seen = draft.beginnings.map(Set.init)
        var alive = Array(limits.indices)
        var scores = try rows(of: draft.start())
        while true {
            var left: [Int] = []
            for (place, row) in alive.enumerated() {
                choice.penalize(&scores[place], seen[row])
                let token = choice(scores[place], key: keys[row], step: written[row].tokens.count)
                written[row].tokens.append(token)
                seen[row].insert(token)
                if options.endTokens.contains(token) {
                    written[row].ending = .end
                } else if !goesOn(row, token) {
                    written[row].ending = .stop
                } else if written[row].tokens.count < limits[row] {
                    left.append(place)
                }
            }
            guard !left.isEmpty else { return written }
            if left.count < alive.count { try draft.keep(rows: left) }
            alive = left.map { alive[$0] }
            scores = try rows(of: draft.next(alive.map { written[$0].tokens.last ?? 0 }))
        }
    }

    private func search(
        _ draft: any Draft,
        _ limits: [Int]
    ) throws(TorchError) -> [Written] {
        let choice = TokenChoice(options: options)
        let beams = options.beams
        let beginnings = draft.beginnings
        var searches = limits.map { BeamSearch(options, limit: $0) }
        let first = try rows(of: draft.start().logSoftmax(along: -1))
        var scores = first.flatMap { [[Float]](repeating: $0, count: beams) }
        try draft.keep(rows: searches.indices.flatMap { [Int](repeating: $0, count: beams) })
        var open = Array(searches.indices)
        while true {
            var (kept, left): ([Int], [Int]) = ([], [])
            for (place, row) in open.enumerated() {
                let own = place * beams..<(place + 1) * beams
                for (index, sequence) in zip(own, searches[row].running) {
                    choice.penalize(
                        &scores[index],
                        Set(beginnings[row]).union(sequence.tokens)
                    )
                }
                let parents = searches[row].advance(Array(scores[own]))
                guard searches[row].isOpen else { continue }
                left.append(row)
                kept += parents.map { own.lowerBound + $0 }
            }
            guard !left.isEmpty else { break }
            open = left
            try draft.keep(rows: kept)
            let tokens = open.flatMap { searches[$0].running.map { $0.tokens.last ?? 0 } }
            scores = try rows(of: draft.next(tokens).logSoftmax(along: -1))
        }
        return searches.map { search in
            let tokens = search.best.tokens
            let isEnded = tokens.last.map(options.endTokens.contains) ?? false
            return Written(tokens: tokens, ending: isEnded ? .end : .length)
        }
    }

    /// The scores of each row.
    private func rows(of scores: Tensor) throws(TorchError) -> [[Float]] {
        let width = scores.size(1)
        let values: [Float] = try scores.moved(to: .cpu).values()
        guard values.allSatisfy(\.isFinite) else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "generation",
                message:
                    "the model's scores are not finite (hint: its weights are damaged, or too large for --dtype)"
            )
        }
        return (0..<scores.size(0)).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }
}
