/// What a head predicts.
public enum HeadKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// One of several classes for each row.
    case classification
    /// Any number of classes for each row.
    case multiLabel = "multilabel"
    /// A number for each row.
    case regression
    /// One of several classes for each token.
    case tagging
    /// Which text belongs to an image: a place in a common space for both of a pair, without a head of its own.
    case imageText = "image-text"
    /// The next token, behind each token, which the model's own vocabulary answers.
    case causalLM = "causal-lm"
    /// A text that answers another, which a decoder writes and the model's own vocabulary scores.
    case seq2seq
    /// Where in a text the answer to a question begins and ends: two scores for each token.
    case questionAnswering = "question-answering"
    /// Which of several texts is to follow another: a score for each.
    case multipleChoice = "multiple-choice"

    /// Whether outputs are classes with names.
    public var hasClasses: Bool {
        switch self {
        case .classification, .multiLabel, .tagging: true
        case .regression, .imageText, .causalLM, .seq2seq, .questionAnswering, .multipleChoice:
            false
        }
    }

    /// Whether the model writes text, and no head of its own is trained.
    public var writesText: Bool { self == .causalLM || self == .seq2seq }

    /// Whether each token has an answer of its own, not the row as one.
    public var answersTokens: Bool {
        self == .tagging || self == .questionAnswering || writesText
    }

    /// How many outputs every head of this kind has; `nil` where that depends on the classes or the model.
    public var outputCount: Int? {
        switch self {
        case .regression, .multipleChoice: 1
        case .questionAnswering: 2
        case .classification, .multiLabel, .tagging, .imageText, .causalLM, .seq2seq: nil
        }
    }

    /// Whether rows can be texts alone, never pictures.
    public var isOfTexts: Bool { answersTokens || self == .multipleChoice }

    /// Whether there are layers of a head to train.
    public var hasLayers: Bool { self != .imageText && !writesText }
}
