internal import Foundation
public import GraftFormats
package import GraftLayers
public import GraftModels
public import GraftText
public import GraftTorch
public import GraftVision

/// A frozen model with its tokenizer, loaded from a Hugging Face folder.
///
/// Loading maps the weights and reads none of them; any number of adapters, tasks and threads share
/// one value.
public struct BaseModel: Sendable {
    /// The folder.
    public let path: String
    /// The frozen model.
    public let model: any Model
    /// The tower of the frozen model on which heads sit.
    public let encoder: any Tower
    /// How the model's images are prepared; `nil` for models that read none.
    public let imageProcessor: ImageProcessor?
    /// The number of the frozen model's parameters.
    public let parameterCount: Int
    /// Where the model lives.
    public let device: Device

    let checkpoint: Checkpoint
    /// `nil` for models that read no text.
    let textTokenizer: (any Tokenizer)?
    private let configuration: ConfigurationFile
    private let family: any Model.Type

    /// Loads a folder with `config.json`, `model.safetensors` (or shards), and a tokenizer or, for models
    /// of images, `preprocessor_config.json`.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - dtype: The element type to compute in; with `nil` weights stay as they are stored, for looking at
    ///     them.
    ///   - device: Where to compute.
    ///   - registry: The families to look for.
    /// - Throws: A one-line error naming the file and field that is missing or not supported.
    public init(
        path: String,
        dtype: DType? = .float32,
        device: Device = .cpu,
        registry: ModelRegistry = .builtin
    ) throws {
        try Torch.checkVersion()
        // Read the number of cores before any worker limits its own thread to one.
        _ = Workers.cores
        if case .cuda = device, !Device.isCUDAAvailable {
            throw TrainingError.deviceUnavailable(device)
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        if names.contains(AdapterBundle.configurationName), !names.contains("config.json") {
            throw TrainingError.settings(
                "\(path): an adapter, where a model's folder is wanted (hint: name it by --adapter)"
            )
        }
        configuration = try ConfigurationFile(path: path + "/config.json")
        family = try registry.family(of: configuration)
        checkpoint = try Checkpoint(path: path)
        let parameters = CheckpointParameters(
            checkpoint,
            prefix: family.checkpointPrefix,
            dtype: dtype
        )
        let source: any ParameterSource =
            device == .cpu ? parameters : ParametersOnDevice(parameters, device: device)
        model = try family.init(configuration, ParameterScope(source))
        try parameters.checkAllLayersUsed()
        encoder = try BaseModel.tower(of: model)
        parameterCount = parameters.parameterCount
        let readsImages = encoder is any ImageTower
        let readsText = !readsImages || model is any ImageTextModel
        textTokenizer = readsText ? try TokenizerFolder(URL(filePath: path)).load() : nil
        imageProcessor =
            readsImages ? try ImageProcessor(contentsOf: path + "/" + BaseModel.processorName) : nil
        self.path = path
        self.device = device
    }

    /// What checkpoints of whole models put before this family's names.
    var checkpointPrefix: String { family.checkpointPrefix }

    private static let processorName = "preprocessor_config.json"

    /// The tokenizer of the folder.
    ///
    /// - Throws: ``TrainingError`` for models that read no text.
    public var tokenizer: any Tokenizer {
        get throws(TrainingError) {
            if let textTokenizer { return textTokenizer }
            throw .settings("\(path): a model of images (\(shape.family)) has no tokenizer")
        }
    }

    /// The sizes of the model.
    public var shape: ModelShape { model.shape }

    /// What an adapter of this model remembers of it.
    ///
    /// The weights are hashed on the first call for a file; the hash is remembered on disk.
    public func identity() throws -> BaseIdentity {
        var files: [URL] = []
        var chatTemplate: String?
        if textTokenizer != nil {
            let folder = TokenizerFolder(URL(filePath: path))
            files = try folder.files()
            // One that cannot be read is an error where it is wanted.
            chatTemplate = try? folder.chatTemplateText()
            guard !files.isEmpty else { throw TrainingError.missingTokenizer(path) }
        }
        if imageProcessor != nil {
            files.append(URL(filePath: path).appending(path: BaseModel.processorName))
        }
        return BaseIdentity(
            family: shape.family,
            hiddenSize: shape.hiddenSize,
            layerCount: shape.layerCount,
            weights: ContentHash(of: checkpoint),
            tokenizer: try ContentHash(ofFiles: files.map { $0.path(percentEncoded: false) }),
            chatTemplate: chatTemplate.map { ContentHash(of: $0.utf8) }
        )
    }

    /// Where adapters act under a head: in both towers of a model that compares images with texts, otherwise in
    /// the one on which heads sit.
    package func sites(under head: HeadKind) -> SiteMap {
        guard head == .imageText, let model = model as? any ImageTextModel else {
            return encoder.sites
        }
        return model.sites
    }

    /// Lays frozen weights out where rows are so many that it pays.
    package func pack(for rows: EncodedRows, under head: HeadKind = .classification) throws {
        guard rows.tokenCount >= 16 * Workers.partLength else { return }
        try pack(firstLearning: nil, under: head)
    }

    /// Lays frozen weights out for many passes and gives the memory of their file back.
    ///
    /// Of a model that `PackedMatrix.budget` does not hold as a whole, every weight stays as it is: a
    /// part would gain little and cost its memory. No result changes.
    ///
    /// - Parameters:
    ///   - firstLearning: The lowest block through which gradients will be taken; `nil` for none.
    ///   - head: What will read the hidden states.
    /// - Throws: `TorchError` if memory runs out.
    func pack(firstLearning: Int?, under head: HeadKind) throws {
        let weights = sites(under: head).linear.map { target in
            let layer = target.site.layer ?? 0
            return (target, learns: firstLearning.map { layer >= $0 } ?? false)
        }
        let size = weights.reduce(0) { size, weight in
            size + weight.0.inputSize * weight.0.outputSize * (weight.learns ? 8 : 4)
        }
        guard size <= PackedMatrix.budget else { return }
        for (target, learns) in weights { try target.linear.weight.pack(forGradients: learns) }
        checkpoint.releasePages()
    }

    /// The same model with parameters from `scope` that start as the frozen ones: for fine-tuning.
    func retrained(in scope: ParameterScope) throws -> any Model {
        let frozen = CheckpointParameters(checkpoint, prefix: family.checkpointPrefix)
        return try family.init(
            configuration,
            ParameterScope(RetrainedParameters(frozen: frozen, scope: scope))
        )
    }

    /// The tower of a model on which heads sit.
    static func tower(of model: any Model) throws -> any Tower {
        if let tower = model as? any Tower { return tower }
        if let model = model as? any ImageTextModel { return model.imageTower }
        throw TrainingError.settings("heads do not sit on \(model.shape.family) models yet")
    }
}

/// Parameters of a scope that start as frozen ones.
private struct RetrainedParameters: ParameterSource {
    let frozen: CheckpointParameters
    let scope: ParameterScope

    func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let start = try frozen.parameter(name, shape: shape, initial: initial)
        return try scope.parameter(name, shape: shape, initial: .copy(start))
    }

    func contains(_ name: String) -> Bool { frozen.contains(name) }
}

/// Parameters of another source, on a device.
package struct ParametersOnDevice: ParameterSource {
    private let source: any ParameterSource
    private let device: Device

    /// Moves what `source` gives.
    package init(_ source: any ParameterSource, device: Device) {
        self.source = source
        self.device = device
    }

    package func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        try source.parameter(name, shape: shape, initial: initial).moved(to: device)
    }

    package func contains(_ name: String) -> Bool { source.contains(name) }
}
