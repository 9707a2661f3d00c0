public import Foundation

/// Everything one wants to know about a training run, after it or years later.
///
/// The trainer fills this value in as the run goes on; nothing in it refers to live objects, so it
/// can be stored beside the adapter (``encoded()``), read back (``init(encoded:)``) and turned into
/// a page (``html()``) by a process that has neither the model nor the data. Only what names the
/// run is required: a field that a run has nothing to say about keeps its empty value, and the page
/// leaves out what is empty.
///
/// Units are fixed here and never repeated in names that are shown: durations are seconds, memory
/// is bytes, shares and scores are plain fractions.
public struct RunReport: Codable, Sendable, Equatable {
    /// What the reader sees first, for example the name of the output folder.
    public var title: String

    /// The arguments that reproduce the run, the program's name first, not yet quoted for a shell.
    public var command: [String]

    /// When the process started.
    public var started: Date

    /// Seconds from the start of the process to its last result.
    public var duration: Double = 0

    /// The frozen base.
    public var model: Model

    /// The adapter method.
    public var method: Method

    /// The name of the task, as on the command line.
    public var task: String

    /// The files read, in the order in which they were given.
    public var data: [DataFile] = []

    /// The labels in index order; empty for tasks without labels.
    public var labels: [Label] = []

    /// The name of the metric that chooses the best epoch and heads the page.
    public var primaryMetric: String = "accuracy"

    /// What always answering the majority class of the training data scores in ``primaryMetric`` on
    /// the evaluation data.
    public var majorityBaseline: Double?

    /// How many parameters there are, and where the trained ones sit.
    public var parameters = Parameters()

    /// The training settings after defaults were filled in.
    public var settings: [Entry] = []

    /// The logged optimizer steps, in order.
    public var steps: [Step] = []

    /// The evaluations, in order.
    public var epochs: [Epoch] = []

    /// The ``Epoch/number`` whose weights were kept.
    public var bestEpoch: Int?

    /// The metrics of the weights that were kept.
    public var metrics: [Metric] = []

    /// Gold against predicted labels on the evaluation data, for the weights that were kept.
    public var confusion: ConfusionMatrix?

    /// What a fusion listens to, for the weights that were kept.
    public var fusion: FusionWeights?

    /// How fast it went.
    public var speed = Speed()

    /// The largest resident memory of the process in bytes.
    public var peakMemory: Int?

    /// Programs and libraries with their versions.
    public var versions: [Entry] = []

    /// Everything the run warned about.
    public var warnings: [String] = []

    /// Wrong predictions of which the model was most confident, the most confident first.
    public var mistakes: [Mistake] = []

    /// Creates a report that so far says only which run it is about.
    public init(
        title: String,
        command: [String],
        started: Date,
        model: Model,
        method: Method,
        task: String
    ) {
        self.title = title
        self.command = command
        self.started = started
        self.model = model
        self.method = method
        self.task = task
    }
}

extension RunReport {
    /// The value that ``metrics`` holds under ``primaryMetric``.
    public var score: Double? {
        metrics.first { $0.name == primaryMetric }?.value
    }

    /// Reads a report that ``encoded()`` wrote.
    ///
    /// - Throws: `DecodingError` if `encoded` is not such a report.
    public init(encoded: Data) throws {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        self = try decoder.decode(RunReport.self, from: encoded)
    }

    /// Returns the report as JSON with sorted keys; a loss that is not finite becomes `"nan"`,
    /// `"inf"` or `"-inf"`, dates lose fractions of a second.
    ///
    /// - Throws: `EncodingError` if Foundation refuses a value, for which no cause is known.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        return try encoder.encode(self)
    }
}
