public import Foundation

/// What several methods came to on one task: the figures that one chooses by, side by side.
///
/// As ``RunReport``, it refers to no live objects, and leaves out what is empty. Durations are seconds,
/// memory is bytes, shares and scores are plain fractions.
public struct ComparisonReport: Sendable {
    /// One run of a method.
    public struct Run: Sendable {
        /// The seed.
        public var seed: UInt64
        /// The metrics of the epoch that was kept.
        public var metrics: Metrics
        /// Seconds of training in an epoch; `nil` where the run was resumed at its end.
        public var secondsPerEpoch: Double?
        /// The largest resident memory.
        public var peakMemory: Int

        /// Describes a run.
        public init(
            seed: UInt64,
            metrics: Metrics,
            secondsPerEpoch: Double?,
            peakMemory: Int
        ) {
            self.seed = seed
            self.metrics = metrics
            self.secondsPerEpoch = secondsPerEpoch
            self.peakMemory = peakMemory
        }
    }

    /// One method, over all seeds.
    public struct Method: Sendable {
        /// The method as the user wrote it.
        public var name: String
        /// The largest learning rate of its runs.
        public var learningRate: Double
        /// How many parameters there are; `nil` if the method could not be put on the model.
        public var parameters: RunReport.Parameters?
        /// The runs that came to an end.
        public var runs: [Run] = []
        /// What stopped the others, a line each.
        public var failures: [String] = []

        /// Describes a method without runs.
        public init(_ name: String, learningRate: Double) {
            self.name = name
            self.learningRate = learningRate
        }

        /// A metric over the runs that ended; `nil` if none did.
        public func spread(_ metric: Metric) -> Spread? {
            Spread(runs.compactMap { $0.metrics[metric] })
        }

        /// Seconds of training in an epoch, the mean over the runs.
        public var secondsPerEpoch: Double? { Spread(runs.compactMap(\.secondsPerEpoch))?.mean }

        /// The largest resident memory of any run.
        public var peakMemory: Int? { runs.map(\.peakMemory).max() }

        /// The trained part of all parameters.
        public var trainableShare: Double? {
            parameters.map { Double($0.trainable) / Double(max($0.total, 1)) }
        }
    }

    /// What the reader sees first.
    public var title: String
    /// The arguments that make the comparison again, the program's name first.
    public var command: [String]
    /// When it began.
    public var started: Date
    /// Seconds that it took.
    public var duration: Double = 0
    /// The frozen base.
    public var model: RunReport.Model
    /// The name of the task, as on the command line.
    public var task: String
    /// The files read.
    public var data: [RunReport.DataFile] = []
    /// The metric that methods are compared by.
    public var metric: Metric
    /// What always answering the majority class scores.
    public var majorityBaseline: Double?
    /// The methods in the order in which they were asked for.
    public var methods: [Method] = []
    /// Whether memory is that of each run; if not, later runs include what earlier ones took.
    public var separatesMemory = true
    /// The settings that all runs share.
    public var settings: [RunReport.Entry] = []
    /// Programs and libraries with their versions.
    public var versions: [RunReport.Entry] = []
    /// Everything that was warned about.
    public var warnings: [String] = []

    /// Creates a report without methods.
    public init(
        title: String,
        command: [String],
        started: Date,
        model: RunReport.Model,
        task: String,
        metric: Metric
    ) {
        self.title = title
        self.command = command
        self.started = started
        self.model = model
        self.task = task
        self.metric = metric
    }

    /// The index of the method with the best mean score, if any run ended.
    public var best: Int? {
        let scores = methods.indices.compactMap { index in
            methods[index].spread(metric).map { (index: index, score: $0.mean) }
        }
        return scores.reduce(nil as (index: Int, score: Double)?) { best, next in
            guard let best else { return next.score.isNaN ? nil : next }
            return metric.prefers(next.score, over: best.score) ? next : best
        }?.index
    }
}
