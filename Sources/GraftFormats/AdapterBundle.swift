internal import Foundation
public import GraftAdapters
internal import GraftLayers
public import GraftModels
public import GraftTorch

/// An adapter with its head on disk: Graft's own layout.
///
/// A folder with `adapter_config.json` (this type without its tensors) and `adapter.safetensors`.
/// It is written to a hidden folder, flushed and renamed, so that it exists complete or not at all,
/// and it is read strictly.
public struct AdapterBundle: Sendable {
    /// The value of `format` in `adapter_config.json`.
    static let format = "graft-adapter"
    package static let configurationName = "adapter_config.json"
    package static let tensorsName = "adapter.safetensors"

    public var method: any AdapterMethod
    /// The method as the user wrote it, for reports.
    public var methodName: String
    public var head: HeadConfiguration
    /// The names of the head's outputs; empty for tasks without classes.
    public var labels: [String]
    /// Whether somebody chose the order of the labels, so that rows may call a class by its number.
    public var acceptsLabelNumbers = true
    /// The longest row that training saw, in tokens.
    public var maxLength: Int
    /// How else training cut texts.
    public var reading: ReadingOptions
    /// Whether rows were pairs of texts in training.
    public var readsPairs: Bool
    /// The columns of the training file that had names of their own, by what they hold: `text`, `pair`,
    /// `label`.
    public var columns: [String: String]
    /// The frozen model that it belongs to.
    public var base: BaseIdentity
    /// How it was made: seed, data, versions, metrics; for people.
    public var provenance: [String: String]
    /// Parameters by name: `adapter.<site>.<name>`, `head.<layer>.<name>`, `base.<name>`.
    public var tensors: [String: Tensor]

    /// Gathers what makes an adapter.
    public init(
        method: any AdapterMethod,
        methodName: String,
        head: HeadConfiguration,
        labels: [String],
        maxLength: Int,
        reading: ReadingOptions = ReadingOptions(),
        readsPairs: Bool = false,
        columns: [String: String] = [:],
        base: BaseIdentity,
        provenance: [String: String],
        tensors: [String: Tensor]
    ) {
        self.method = method
        self.methodName = methodName
        self.head = head
        self.labels = labels
        self.maxLength = maxLength
        self.reading = reading
        self.readsPairs = readsPairs
        self.columns = columns
        self.base = base
        self.provenance = provenance
        self.tensors = tensors
    }

    /// Reads a bundle.
    ///
    /// Whether its tensors are the ones that the method needs shows when they are attached
    /// (`StoredParameters`), which is as strict.
    ///
    /// - Throws: `ConfigurationError`, `FileError` or ``SafetensorsError`` naming the file and what is wrong
    ///   with it.
    public init(path: String) throws {
        let file = try ConfigurationFile(path: "\(path)/\(AdapterBundle.configurationName)")
        let stored = try file.decode(StoredBundle.self)
        self = stored.bundle
        let tensorsPath = "\(path)/\(AdapterBundle.tensorsName)"
        tensors = try TensorFile(path: tensorsPath).tensors
        if let wanted = stored.tensorsHash {
            guard try ContentHash(ofFile: tensorsPath, cache: nil) == wanted else {
                throw FileError(
                    path: tensorsPath,
                    problem:
                        "is not the file that \(AdapterBundle.configurationName) was written with",
                    hint: "it is damaged or of another adapter: copy or train it again"
                )
            }
        }
    }

    /// Writes the two files into a folder that exists.
    ///
    /// - Throws: `FileError` or ``SafetensorsError`` if a file cannot be written.
    public func write(into folder: String) throws {
        let tensorsPath = "\(folder)/\(AdapterBundle.tensorsName)"
        try TensorFile(tensors, metadata: ["format": "pt"]).write(to: tensorsPath)
        let stored = StoredBundle(
            bundle: self,
            tensorsHash: try ContentHash(ofFile: tensorsPath, cache: nil)
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let path = "\(folder)/\(AdapterBundle.configurationName)"
        try AtomicFile.write(encoder.encode(stored), to: path)
    }

    /// Writes the bundle as a folder of its own.
    ///
    /// - Throws: `FileError` or ``SafetensorsError``; then nothing has changed.
    public func write(
        to path: String,
        ifExists existing: AtomicFolder.ExistingFolder = .replace
    ) throws {
        try AtomicFolder.write(to: path, ifExists: existing) { try write(into: $0) }
    }
}

/// Which frozen model an adapter belongs to.
public struct BaseIdentity: Sendable, Hashable, Codable {
    public var family: String
    public var hiddenSize: Int
    public var layerCount: Int
    /// The hash of the model's weights, however they are split into files.
    public var weights: ContentHash
    /// The hash of the tokenizer's files.
    public var tokenizer: ContentHash
    /// The hash of the chat template, where conversations were written by it.
    public var chatTemplate: ContentHash?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case family
        case hiddenSize = "hidden_size"
        case layerCount = "num_hidden_layers"
        case weights = "weights_sha256"
        case tokenizer = "tokenizer_sha256"
        case chatTemplate = "chat_template_sha256"
    }

    /// Names a model.
    public init(
        family: String,
        hiddenSize: Int,
        layerCount: Int,
        weights: ContentHash,
        tokenizer: ContentHash,
        chatTemplate: ContentHash? = nil
    ) {
        self.family = family
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.weights = weights
        self.tokenizer = tokenizer
        self.chatTemplate = chatTemplate
    }

    /// The model as an adapter remembers it, whose rows were conversations or had none.
    package func remembered(withMessages hasMessages: Bool) -> BaseIdentity {
        var identity = self
        if !hasMessages { identity.chatTemplate = nil }
        return identity
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self)
        family = try fields.required(.family)
        hiddenSize = try fields.required(.hiddenSize)
        layerCount = try fields.required(.layerCount)
        weights = try fields.required(.weights)
        tokenizer = try fields.required(.tokenizer)
        chatTemplate = try fields.optional(.chatTemplate)
    }

    /// Whether `other` is a model of the same kind and sizes, so that an adapter of this one could run on it.
    public func isShaped(like other: BaseIdentity) -> Bool {
        (family, hiddenSize, layerCount) == (other.family, other.hiddenSize, other.layerCount)
    }

    /// What keeps an adapter of this model from running on `other`, or `nil` if nothing does.
    public func mismatch(with other: BaseIdentity) -> String? {
        if family != other.family {
            return "it was trained on a \(family) model, this one is \(other.family)"
        }
        if hiddenSize != other.hiddenSize || layerCount != other.layerCount {
            return "it was trained on \(layerCount) layers of \(hiddenSize), this model has"
                + " \(other.layerCount) of \(other.hiddenSize)"
        }
        if weights != other.weights { return "it was trained on other weights of the same shape" }
        if tokenizer != other.tokenizer { return "it was trained with another tokenizer" }
        // Nothing is said by a chat template of rows that are no conversations.
        if let chatTemplate, let others = other.chatTemplate, chatTemplate != others {
            return "it was trained with another chat template"
        }
        return nil
    }
}

/// A bundle as `adapter_config.json` stores it.
private struct StoredBundle: Codable {
    let bundle: AdapterBundle
    /// The hash of the file with the tensors; files of the first versions have none.
    let tensorsHash: ContentHash?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case format
        case version = "format_version"
        case method
        case methodName = "method_name"
        case settings = "configuration"
        case head, labels
        case acceptsLabelNumbers = "accepts_label_numbers"
        case maxLength = "max_length"
        case targetLength = "max_target_length"
        case stride
        case acceptsNoAnswer = "accepts_no_answer"
        case readsPairs = "reads_pairs"
        case columns, base, provenance
        case tensorsHash = "tensors_sha256"
    }

    init(bundle: AdapterBundle, tensorsHash: ContentHash) {
        self.bundle = bundle
        self.tensorsHash = tensorsHash
    }

    private enum ForeignKeys: String, CodingKey {
        case peftType = "peft_type"
        case adapterHub = "model_class"
    }

    /// Confirms that no other library wrote the file, whose name PEFT and `adapters` use too.
    private static func checkOrigin(_ decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: ForeignKeys.self).allKeys
        guard let key = keys.first else { return }
        throw ConfigurationError(
            field: "",
            problem:
                "an adapter of \(key == .peftType ? "PEFT" : "AdapterHub"), which Graft does not"
                + " read yet (hint: graft train makes its own)"
        )
    }

    init(from decoder: any Decoder) throws {
        try StoredBundle.checkOrigin(decoder)
        let fields = try decoder.fields(CodingKeys.self)
        let format: String = try fields.required(.format)
        guard format == AdapterBundle.format else {
            throw fields.invalid(.format, "'\(format)' is not \(AdapterBundle.format)")
        }
        let version: Int = try fields.required(.version)
        guard version == 1 else {
            throw fields.invalid(.version, "\(version) is newer than this program, which reads 1")
        }
        var reading = ReadingOptions()
        reading.targetLength = try fields.value(.targetLength, default: reading.targetLength)
        reading.stride = try fields.value(.stride, default: reading.stride)
        reading.acceptsNoAnswer = try fields.value(.acceptsNoAnswer, default: false)
        var bundle = AdapterBundle(
            method: try fields.method(.method, settings: .settings),
            methodName: try fields.required(.methodName),
            head: try fields.required(.head),
            labels: try fields.required(.labels),
            maxLength: try fields.required(.maxLength),
            reading: reading,
            readsPairs: try fields.required(.readsPairs),
            columns: try fields.value(.columns, default: [:]),
            base: try fields.required(.base),
            provenance: try fields.value(.provenance, default: [:]),
            tensors: [:]
        )
        // Adapters of the first versions do not say.
        bundle.acceptsLabelNumbers = try fields.value(.acceptsLabelNumbers, default: true)
        self.bundle = bundle
        tensorsHash = try fields.optional(.tensorsHash)
        let expected = bundle.head.kind.hasClasses ? bundle.head.outputCount : 0
        guard bundle.labels.count == expected else {
            throw fields.invalid(
                .labels,
                "there are \(bundle.labels.count), but the head has \(expected) classes"
            )
        }
        if let twin = Dictionary(grouping: bundle.labels, by: \.self).first(where: { $1.count > 1 })
        {
            throw fields.invalid(.labels, "'\(twin.key)' is the name of two classes")
        }
        let known = ["label", "pair", "text"]
        if let stranger = bundle.columns.keys.sorted().first(where: { !known.contains($0) }) {
            throw fields.invalid(
                .columns,
                "'\(stranger)' is not one of \(known.joined(separator: ", "))"
            )
        }
        guard bundle.maxLength > 0 else {
            throw fields.invalid(.maxLength, "must be positive, found \(bundle.maxLength)")
        }
        guard reading.targetLength > 0 else {
            throw fields.invalid(.targetLength, "must be positive, found \(reading.targetLength)")
        }
        guard reading.stride >= 0 else {
            throw fields.invalid(.stride, "must be 0 or more, found \(reading.stride)")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(AdapterBundle.format, forKey: .format)
        try fields.encode(1, forKey: .version)
        try fields.encode(bundle.method, forKey: .method, settings: .settings)
        try fields.encode(bundle.methodName, forKey: .methodName)
        try fields.encode(bundle.head, forKey: .head)
        try fields.encode(bundle.labels, forKey: .labels)
        if !bundle.labels.isEmpty {
            try fields.encode(bundle.acceptsLabelNumbers, forKey: .acceptsLabelNumbers)
        }
        try fields.encode(bundle.maxLength, forKey: .maxLength)
        if bundle.head.kind == .seq2seq {
            try fields.encode(bundle.reading.targetLength, forKey: .targetLength)
        }
        if bundle.head.kind == .questionAnswering {
            try fields.encode(bundle.reading.stride, forKey: .stride)
            try fields.encode(bundle.reading.acceptsNoAnswer, forKey: .acceptsNoAnswer)
        }
        try fields.encode(bundle.readsPairs, forKey: .readsPairs)
        if !bundle.columns.isEmpty { try fields.encode(bundle.columns, forKey: .columns) }
        try fields.encode(bundle.base, forKey: .base)
        try fields.encode(bundle.provenance, forKey: .provenance)
        try fields.encodeIfPresent(tensorsHash, forKey: .tensorsHash)
    }
}
