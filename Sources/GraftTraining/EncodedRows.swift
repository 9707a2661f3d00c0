public import GraftData
package import GraftFormats
public import GraftLayers
public import GraftModels
public import GraftText
public import GraftTorch
public import GraftVision

/// Rows as a model reads them, with their targets.
public struct EncodedRows: Sendable {
    /// What the rows' right answers are.
    public enum Targets: Sendable {
        case none
        /// A class for each row.
        case classes([Int32])
        /// Classes for each row.
        case classLists([[Int]])
        /// A number for each row.
        case numbers([Float])
        /// A class for each token; -100 where none is asked for.
        case tags([Int32])
        /// For each pair of an image and a text, the number of its image.
        case pairs([Int32])
        /// What a model is to write.
        case tokens(TokenTargets)
        /// For each window of a context, where the answer begins and ends.
        case spans([TokenSpan])
        /// For each row the number of the right choice.
        case choices([Int32])
    }

    /// What the model reads of the rows.
    private var inputs: any RowInputs
    /// Where the tokens of each row begin among all, and where the last row's end.
    private let offsets: [Int]
    /// For tagging: the token at which each word starts, row by row, counted from the row's first;
    /// -1 where the word was cut off.
    let wordStarts: [[Int32]]
    /// For questions: the rows are windows of their contexts, which these describe.
    package let windows: ContextWindows?
    /// What the rows' right answers are.
    public let targets: Targets

    /// Encodes the rows of a data set on all cores.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - tokenizer: The model's.
    ///   - maxLength: The most tokens of a row; longer ones are cut as the tokenizer does.
    ///   - kind: What is predicted.
    ///   - labels: The classes, or `nil` to read no targets.
    /// - Throws: `DataError` if a row has an unknown label; ``TrainingError`` if it has no tokens.
    public init(
        _ data: Dataset,
        tokenizer: any Tokenizer,
        maxLength: Int,
        kind: HeadKind,
        labels: LabelMap?
    ) throws {
        let rows = try TokenRows(
            data,
            tokenizer: tokenizer,
            maxLength: maxLength,
            tracksWords: kind == .tagging
        )
        try self.init(rows, answers: data, wordStarts: rows.wordStarts, kind: kind, labels: labels)
    }

    /// Takes prepared images.
    ///
    /// - Parameters:
    ///   - images: The pictures with their answers.
    ///   - encoder: The model that reads them.
    ///   - kind: What is predicted.
    ///   - labels: The classes, or `nil` to read no targets.
    /// - Throws: `DataError` if a row has an unknown label; `ImageError` if the images are not as large
    ///   as the model reads them.
    public init(
        _ images: PreparedImages,
        encoder: any ImageTower,
        kind: HeadKind,
        labels: LabelMap?
    ) throws {
        let rows = try ImageRows(images, for: encoder)
        try self.init(rows, answers: images.rows, kind: kind, labels: labels)
    }

    /// Takes pairs of an image and a text.
    ///
    /// - Parameters:
    ///   - pairs: The pairs.
    ///   - tokenizer: The model's.
    ///   - maxLength: The most tokens of a text; longer ones are cut as the tokenizer does.
    ///   - encoder: The model's tower over images.
    /// - Throws: `ImageError` if the images are not as large as the model reads them.
    public init(
        _ pairs: ImageTextPairs,
        tokenizer: any Tokenizer,
        maxLength: Int,
        encoder: any ImageTower
    ) throws {
        let inputs = try PairRows(
            images: ImageRows(pairs.images, for: encoder),
            imageOfRow: pairs.imageOfPair,
            texts: TokenRows(
                pairs.texts(),
                tokenizer: tokenizer,
                maxLength: maxLength,
                tracksWords: false
            )
        )
        offsets = EncodedRows.offsets(inputs)
        wordStarts = []
        windows = nil
        targets = .pairs(pairs.imageOfPair.map(Int32.init))
        self.inputs = inputs
    }

    /// Takes rows of a language model, which are their own right answers.
    init(_ language: LanguageRows) {
        inputs = language.rows
        offsets = EncodedRows.offsets(language.rows)
        wordStarts = []
        windows = nil
        targets = .tokens(language.targets)
    }

    /// Takes windows of the contexts in which questions are answered.
    init(_ questions: QuestionRows) {
        inputs = questions.rows
        offsets = EncodedRows.offsets(questions.rows)
        wordStarts = []
        windows = questions.windows
        targets = questions.spans.map { .spans($0) } ?? .none
    }

    /// Takes rows that choose among texts.
    init(_ choices: ChoiceRows) {
        inputs = choices
        offsets = EncodedRows.offsets(choices)
        wordStarts = []
        windows = nil
        targets = choices.right.map { .choices($0) } ?? .none
    }

    /// Takes questions with their contexts that are tokens already.
    package init(questions: [(ids: [Int32], typeIDs: [Int32], span: TokenSpan)]) {
        self.init(QuestionRows(questions))
    }

    /// Takes choices that are tokens already, those of a row together.
    package init(choices: [(sequences: [(ids: [Int32], typeIDs: [Int32])], right: Int32)]) {
        self.init(ChoiceRows(choices))
    }

    /// Takes rows of texts that answer others.
    init(_ answers: AnswerRows) {
        inputs = answers.rows
        offsets = EncodedRows.offsets(answers.rows)
        wordStarts = []
        windows = nil
        targets = .tokens(answers.targets)
    }

    /// Takes rows that are tokens already: sources and what answers them, from a start token on.
    package init(answers: [(source: [Int32], target: [Int32])], behind startToken: Int32) {
        self.init(AnswerRows(answers, startToken: startToken))
    }

    /// Takes rows that are tokens already, and which of them a language model is to write.
    package init(tokens: [(ids: [Int32], isWanted: [Bool])]) { self.init(LanguageRows(tokens)) }

    /// Where the tokens of each row begin, and where the last row's end.
    private static func offsets(_ inputs: any RowInputs) -> [Int] {
        var offsets = [0]
        offsets.reserveCapacity(inputs.count + 1)
        for row in 0..<inputs.count { offsets.append(offsets[row] + inputs.length(row)) }
        return offsets
    }

    /// Puts what a model reads and the right answers together.
    private init(
        _ inputs: any RowInputs,
        answers data: Dataset,
        wordStarts: [[Int32]] = [],
        kind: HeadKind,
        labels: LabelMap?
    ) throws {
        let offsets = EncodedRows.offsets(inputs)
        self.inputs = inputs
        self.offsets = offsets
        self.wordStarts = wordStarts
        windows = nil
        guard data.schema.target != nil else {
            targets = .none
            return
        }
        switch (kind, labels) {
        case (.classification, let labels?):
            targets = .classes(try data.classes(labels).map(Int32.init))
        case (.multiLabel, let labels?):
            targets = .classLists(try data.classLists(labels))
        case (.tagging, let labels?):
            var tags = [Int32](repeating: -100, count: offsets[inputs.count])
            for (row, classes) in try data.classLists(labels).enumerated() {
                for (word, number) in classes.enumerated() where wordStarts[row][word] >= 0 {
                    tags[offsets[row] + Int(wordStarts[row][word])] = Int32(number)
                }
            }
            targets = .tags(tags)
        case (.regression, _):
            targets = .numbers(data.numbers.map(Float.init))
        default:
            targets = .none
        }
    }

    /// The number of rows.
    public var count: Int { inputs.count }

    /// The number of tokens of all rows.
    public var tokenCount: Int { offsets[count] }

    /// The number of tokens of one row.
    public func length(_ row: Int) -> Int { offsets[row + 1] - offsets[row] }

    /// How many rows of a batch one row makes.
    func sequenceCount(_ row: Int) -> Int { inputs.sequenceCount(row) }

    /// The tokens of one row that the longest row limits.
    package func limitedLength(_ row: Int) -> Int { inputs.limitedLength(row) }

    /// Gathers rows into a batch; a row's name in it is its index here.
    public func batch(
        _ rows: some Collection<Int>,
        device: Device = .cpu
    ) throws(TorchError) -> any RaggedBatch {
        try inputs.batch(Array(rows), device: device)
    }

    /// The same rows, of whose pictures batches hold drawn views.
    ///
    /// - Parameters:
    ///   - augmentation: What is drawn.
    ///   - seed: What it depends on, besides the row.
    /// - Returns: The rows, which share their memory with these.
    /// - Throws: ``TrainingError`` for rows without pictures.
    package func augmented(
        _ augmentation: Augmentation,
        seed: UInt64
    ) throws(TrainingError) -> EncodedRows {
        guard let views = inputs.augmented(augmentation, seed: seed) else {
            throw .settings("--augment: is of pictures, and these rows are texts")
        }
        var rows = self
        rows.inputs = views
        return rows
    }

    /// A hash of everything that training sees of these rows: what the model reads, and targets.
    package var contentHash: ContentHash {
        var bytes = HashedBytes()
        inputs.append(to: &bytes)
        switch targets {
        case .none: bytes.append([0])
        case .classes(let classes): bytes.append([1] + classes)
        case .classLists(let lists): for list in lists { bytes.append([2, list.count] + list) }
        case .numbers(let numbers): bytes.append([3] + numbers.map { Int($0.bitPattern) })
        case .tags(let tags): bytes.append([4] + tags)
        case .pairs(let images): bytes.append([5] + images)
        case .tokens(let tokens): bytes.append([6] + tokens.wanted)
        case .spans(let spans): for span in spans { bytes.append([7, span.first, span.last]) }
        case .choices(let choices): bytes.append([8] + choices)
        }
        return ContentHash(of: bytes.bytes)
    }

    /// The tokens' tags of one row; empty unless the rows have tags.
    func tags(_ row: Int) -> ArraySlice<Int32> {
        guard case .tags(let tags) = targets else { return [] }
        return tags[offsets[row]..<offsets[row + 1]]
    }
}
