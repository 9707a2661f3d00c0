internal import Foundation
internal import GraftAdapters
public import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch

extension BaseModel {
    /// Writes a copy of the model into a folder, in Hugging Face's layout, whose weights do what the
    /// frozen ones and an adapter do together.
    ///
    /// Every tensor keeps its name and its element type: what the adapter adds is computed in float32 and
    /// rounded to that type once. Configuration and tokenizer are copied. The head is no part of it.
    ///
    /// - Parameters:
    ///   - predictor: The adapter on this model: LoRA, DoRA, AdaLoRA, (IA)3 or VeRA, or full fine-tuning.
    ///   - folder: A folder that exists.
    /// - Returns: The number of tensors that changed.
    /// - Throws: `ConfigurationError` naming what cannot be merged; `SafetensorsError` or `FileError`
    ///   if a file cannot be written.
    public func writeMerged(_ predictor: Predictor, into folder: String) throws -> Int {
        let changed = try mergedTensors(predictor)
        guard !changed.isEmpty else {
            throw ConfigurationError(
                field: "method",
                problem: "'\(predictor.bundle.methodName)' changes no weight of the model"
                    + " (hint: there is nothing to merge)"
            )
        }
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        for stored in checkpoint.tensors {
            let entry = stored.entry
            guard let value = changed[entry.name] else {
                writer.add(stored)
                continue
            }
            let dtype = try Tensor(stored).dtype
            unsafe writer.add(entry.name, entry.elementType, shape: entry.shape) { sink in
                let rounded = try value.detached().moved(to: .cpu).converted(to: dtype)
                try unsafe rounded.bytes().withUnsafeBytes { try unsafe sink($0) }
            }
        }
        try writer.write(to: folder + "/model.safetensors")
        for name in BaseModel.copiedFiles {
            let source = URL(filePath: path + "/" + name).resolvingSymlinksInPath()
            guard let contents = try? Data(contentsOf: source) else { continue }
            try AtomicFile.write(contents, to: folder + "/" + name)
        }
        return changed.count
    }

    /// What a model's folder has besides weights.
    private static let copiedFiles = [
        "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
        "vocab.json", "merges.txt", "chat_template.jinja", "tokenizer.model", "spiece.model",
        "sentencepiece.bpe.model",
    ]

    /// The tensors that an adapter changes, by the checkpoint's names.
    private func mergedTensors(_ predictor: Predictor) throws -> [String: Tensor] {
        let parameters = CheckpointParameters(checkpoint, prefix: checkpointPrefix)
        var changed: [String: Tensor] = [:]
        func change(_ name: String, to value: Tensor) throws {
            guard let stored = parameters.storedName(name) else {
                throw ConfigurationError(
                    field: "method",
                    problem: "the model has no '\(name)' that could take over what is merged"
                )
            }
            changed[stored] = value
        }
        if predictor.bundle.method.trainsBase {
            for (name, value) in predictor.bundle.tensors where name.hasPrefix("base.") {
                try change(String(name.dropFirst("base.".count)), to: value)
            }
            return changed
        }
        let merged = try predictor.model.adapters.merged(into: model.sites)
        for target in model.sites.linear {
            guard let merged = merged[target.site] else { continue }
            let path = target.linear.path
            guard !path.isEmpty else {
                throw ConfigurationError(
                    field: "method",
                    problem: "what acts at \(target.site) cannot be merged into a \(shape.family)"
                        + " model, which stores that projection transposed or as a part of another"
                        + " (hint: the adapter works unmerged)"
                )
            }
            try change(path + ".weight", to: merged.weight)
            if let bias = merged.bias { try change(path + ".bias", to: bias) }
        }
        return changed
    }
}

extension AdapterBundle {
    /// The head alone, for another model that computes what this adapter's did.
    ///
    /// - Parameter base: The other model.
    /// - Returns: An adapter of the method `head`.
    /// - Throws: What naming the method throws, for which no cause is known.
    public func headOnly(on base: BaseIdentity) throws -> AdapterBundle {
        var head = self
        head.method = try AdapterRegistry.builtin.method(named: "head")
        head.methodName = "head"
        head.base = base
        head.tensors = tensors.filter { $0.key.hasPrefix("head.") }
        return head
    }
}
