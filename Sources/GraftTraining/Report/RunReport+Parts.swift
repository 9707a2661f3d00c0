extension RunReport {
    /// A name with its value, as shown in a table of settings.
    public struct Entry: Codable, Sendable, Equatable {
        public var name: String
        public var value: String

        /// Pairs a name with the description of its value.
        public init(_ name: String, _ value: some CustomStringConvertible) {
            self.name = name
            self.value = value.description
        }
    }

    /// The frozen base model.
    public struct Model: Codable, Sendable, Equatable {
        public var name: String
        public var family: String
        public var layers: Int
        public var hiddenSize: Int
        public var parameters: Int

        /// The content hash of the weights, by which a bundle recognises its base.
        public var contentHash: String

        /// Describes a base model.
        public init(
            name: String,
            family: String,
            layers: Int,
            hiddenSize: Int,
            parameters: Int,
            contentHash: String
        ) {
            self.name = name
            self.family = family
            self.layers = layers
            self.hiddenSize = hiddenSize
            self.parameters = parameters
            self.contentHash = contentHash
        }
    }

    /// The adapter method as the user wrote it and as it was resolved.
    public struct Method: Codable, Sendable, Equatable {
        /// The method string, for example `double_seq_bn[reduction_factor=16]`.
        public var description: String

        /// Every field of the configuration with the value that was used.
        public var configuration: [Entry]

        /// Describes an adapter method.
        public init(_ description: String, configuration: [Entry] = []) {
            self.description = description
            self.configuration = configuration
        }
    }

    /// A file that was read, with what it was read for.
    public struct DataFile: Codable, Sendable, Equatable {
        /// `train`, `eval` and the like.
        public var role: String
        public var path: String
        public var rows: Int

        /// Describes a data file.
        public init(role: String, path: String, rows: Int) {
            self.role = role
            self.path = path
            self.rows = rows
        }
    }

    /// A label with how often the data show it.
    public struct Label: Codable, Sendable, Equatable {
        public var name: String
        public var trainRows: Int
        public var evalRows: Int?

        /// Describes a label; `evalRows` is absent where nothing was evaluated.
        public init(_ name: String, trainRows: Int, evalRows: Int? = nil) {
            self.name = name
            self.trainRows = trainRows
            self.evalRows = evalRows
        }
    }

    /// Parameter counts: what is trained, and beside how much.
    public struct Parameters: Codable, Sendable, Equatable {
        /// Those that received gradients: adapters, head and whatever else was not frozen.
        public var trainable = 0

        /// Those of the adapters alone.
        public var adapter = 0

        /// Those of the prediction head.
        public var head = 0

        /// Those of the base, the adapters and the head.
        public var total = 0

        /// Where the adapters' parameters sit, in the order of the forward pass.
        public var sites: [Site] = []

        /// Creates the counts; everything starts at zero.
        public init(
            trainable: Int = 0,
            adapter: Int = 0,
            head: Int = 0,
            total: Int = 0,
            sites: [Site] = []
        ) {
            self.trainable = trainable
            self.adapter = adapter
            self.head = head
            self.total = total
            self.sites = sites
        }

        /// The parameters that a method added at one site.
        public struct Site: Codable, Sendable, Equatable {
            /// The layer's index from zero, or nothing for a site outside the layers (the
            /// embedding).
            public var layer: Int?

            /// The site's path inside its layer; equal paths share a colour on the page.
            public var path: String
            public var parameters: Int

            /// Describes the parameters at one site.
            public init(layer: Int?, path: String, parameters: Int) {
                self.layer = layer
                self.path = path
                self.parameters = parameters
            }
        }
    }

    /// One logged optimizer step.
    public struct Step: Codable, Sendable, Equatable {
        /// The step's number from one.
        public var number: Int

        /// Epochs gone by when the step was done; 1.5 is the middle of the second.
        public var epoch: Double

        /// The loss, a mean over the examples since the previous logged step.
        public var loss: Double
        public var learningRate: Double

        /// The norm of the gradient before clipping, where it was computed.
        public var gradientNorm: Double?

        /// Describes one logged step.
        public init(
            number: Int,
            epoch: Double,
            loss: Double,
            learningRate: Double,
            gradientNorm: Double? = nil
        ) {
            self.number = number
            self.epoch = epoch
            self.loss = loss
            self.learningRate = learningRate
            self.gradientNorm = gradientNorm
        }
    }

    /// A measured figure of merit.
    public struct Metric: Codable, Sendable, Equatable {
        public var name: String
        public var value: Double

        /// Names a measured value.
        public init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }

    /// The evaluation after one epoch.
    public struct Epoch: Codable, Sendable, Equatable {
        /// The epoch's number from one.
        public var number: Int

        /// The last optimizer step before the evaluation.
        public var step: Int

        /// The metrics in the order in which they are shown.
        ///
        /// The one called `loss` joins the loss
        /// chart.
        public var metrics: [Metric]

        /// Describes one evaluation.
        public init(number: Int, step: Int, metrics: [Metric]) {
            self.number = number
            self.step = step
            self.metrics = metrics
        }

        subscript(metric: String) -> Double? {
            metrics.first { $0.name == metric }?.value
        }
    }

    /// How fast the run went; what was not measured is absent.
    public struct Speed: Codable, Sendable, Equatable {
        /// Training examples per second of training time.
        public var examplesPerSecond: Double?

        /// Training tokens, padding not counted, per second of training time.
        public var tokensPerSecond: Double?

        /// Seconds from the start of the process to the first step.
        public var readySeconds: Double?

        /// Seconds spent in training steps.
        public var trainSeconds: Double?

        /// Evaluated examples per second of evaluation time.
        public var evalExamplesPerSecond: Double?

        /// Creates a record in which nothing is measured yet.
        public init() {}
    }

    /// A wrong prediction.
    public struct Mistake: Codable, Sendable, Equatable {
        public var text: String
        public var gold: String
        public var predicted: String

        /// The probability that the model gave to ``predicted``.
        public var score: Double

        /// Describes a wrong prediction.
        public init(text: String, gold: String, predicted: String, score: Double) {
            self.text = text
            self.gold = gold
            self.predicted = predicted
            self.score = score
        }
    }
}
