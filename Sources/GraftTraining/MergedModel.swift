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
        func stored(_ name: String) throws -> String {
            guard let stored = parameters.storedName(name) else {
                throw ConfigurationError(
                    field: "method",
                    problem: "the model has no '\(name)' that could take over what is merged"
                )
            }
            return stored
        }
        if predictor.bundle.method.trainsBase {
            for (name, value) in predictor.bundle.tensors where name.hasPrefix("base.") {
                changed[try stored(String(name.dropFirst("base.".count)))] = value
            }
            return changed
        }
        func change(_ kind: String, of place: StoredProjection, to value: Tensor) throws {
            let name = try stored(place.path + "." + kind)
            changed[name] = try place.replacing(value.detached().moved(to: .cpu)) {
                try changed[name] ?? Tensor(checkpoint.tensor(name)).converted(to: .float32)
            }
        }
        let merged = try predictor.model.adapters.merged(into: model.sites)
        for target in model.sites.linear {
            guard let merged = merged[target.site] else { continue }
            guard let place = target.linear.stored else {
                throw ConfigurationError(
                    field: "method",
                    problem: "what acts at \(target.site) cannot be merged: that projection has no"
                        + " parameters of its own (hint: the adapter works unmerged)"
                )
            }
            try change("weight", of: place, to: merged.weight)
            if let bias = merged.bias { try change("bias", of: place, to: bias) }
        }
        return changed
    }
}

extension StoredProjection {
    /// Parameters as they are stored, with those of this projection in place of what was there.
    ///
    /// - Parameters:
    ///   - own: A weight [output, input] or a bias [output].
    ///   - whole: What is stored, with the outputs of all projections that share it.
    /// - Returns: Of the shape of `whole`.
    /// - Throws: What `whole` throws; `TorchError` if memory runs out.
    fileprivate func replacing(_ own: Tensor, in whole: () throws -> Tensor) throws -> Tensor {
        let isTurned = isTransposed && own.shape.count == 2
        var result = own
        if let outputs {
            let rows = try isTurned ? whole().transposed(0, 1) : whole()
            result = try .concatenated([
                rows.narrowed(0..<outputs.lowerBound), own,
                rows.narrowed(outputs.upperBound..<rows.size(0)),
            ])
        }
        return try isTurned ? result.transposed(0, 1).contiguous() : result
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
