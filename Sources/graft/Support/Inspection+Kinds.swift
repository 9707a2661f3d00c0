internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

extension Inspection {
    /// Recognises what lies at a path by what it holds, and loads it.
    ///
    /// - Throws: ``CommandError`` if it is nothing that Graft knows, or the error of loading it.
    init(path: String) throws {
        func holds(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: path + "/" + name)
        }
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandError("\(path): there is no such file or folder")
        }
        if holds("adapter_config.json") {
            self = .adapter(try AdapterBundle(path: path))
        } else if holds("config.json") {
            self = .model(try BaseModel(path: path, dtype: nil))
        } else if holds("progress.json") {
            self = try .checkpoint(path)
        } else if let state = CheckpointFolder.states(in: path).last {
            self = try .checkpoint(state)
        } else if path.hasSuffix(".safetensors") {
            self = .tensors(try SafetensorsFile(path: path), at: path)
        } else {
            throw CommandError(
                "\(path): neither a model, an adapter, a checkpoint nor a safetensors file",
                hint: "a model's folder has config.json, an adapter's adapter_config.json"
            )
        }
    }

    /// A frozen model, with its sites.
    static func model(_ base: BaseModel) -> Inspection {
        let shape = base.shape
        return Inspection(
            facts: [
                .init("kind", .string("model")), .init("path", .string(base.path)),
                .init("family", .string(shape.family)),
                .init("parameters", .integer(base.parameterCount)),
                .init("layers", .integer(shape.layerCount)),
                .init("hidden_size", .integer(shape.hiddenSize)),
                .init("vocabulary", .integer(shape.vocabularySize)),
                .init("positions", .integer(shape.positions)),
            ] + pictureFacts(base),
            parts: (
                "sites",
                base.model.sites.described.map { site, kind, size in
                    [
                        .init("site", .string(site.path)), .init("kind", .string(kind)),
                        .init("size", .string(size)),
                    ]
                }
            )
        )
    }

    /// What a model that reads pictures makes of one.
    private static func pictureFacts(_ base: BaseModel) -> [JSONValue.Member] {
        guard let tower = try? base.imageTower else { return [] }
        return [
            .init("image_size", .integer(tower.imageSize)),
            .init("tokens_per_image", .integer(tower.tokensPerImage)),
        ]
    }

    /// What a method would add to a model.
    static func method(
        _ name: String,
        head: HeadConfiguration,
        on base: BaseModel
    ) throws -> Inspection {
        let method = try AdapterRegistry.builtin.method(named: name)
        let fresh = FreshParameters(seed: 0)
        let adapted = try AdaptedModel(base, method: method, head: head, ParameterScope(fresh))
        let sizes = fresh.parameters.map { (name: $0.name, count: $0.value.count) }
        let all = sizes.reduce(0) { $0 + $1.count }
        let inHead = sizes.filter { $0.name.hasPrefix("head.") }.reduce(0) { $0 + $1.count }
        let sites = SiteParameters.all(sizes: sizes, in: adapted.adapters)
        return Inspection(
            facts: [
                .init("kind", .string("method")), .init("method", .string(name)),
                .init("model", .string(base.path)),
                .init("adapter_parameters", .integer(all - inHead)),
                .init("head_parameters", .integer(inHead)),
                .init("trainable_parameters", .integer(all)),
                .init(
                    "total_parameters",
                    .integer(base.parameterCount + (method.trainsBase ? inHead : all))
                ),
            ],
            parts: ("sites", sites.map(\.members))
        )
    }

    /// A trained adapter.
    private static func adapter(_ bundle: AdapterBundle) -> Inspection {
        let sizes = bundle.tensors.map { (name: $0.key, count: $0.value.count) }
        let all = sizes.reduce(0) { $0 + $1.count }
        let inHead = sizes.filter { $0.name.hasPrefix("head.") }.reduce(0) { $0 + $1.count }
        var bySite: [String: Int] = [:]
        for (name, count) in sizes where name.hasPrefix("adapter.") {
            // adapter.<tower>[.<layer>].<role>.<name>
            let parts = Array(name.split(separator: ".").dropFirst())
            let site = parts.prefix(Site.pathLength(in: parts))
            bySite[site.joined(separator: "."), default: 0] += count
        }
        let sites = bySite.sorted {
            $0.key.compare($1.key, options: .numeric) == .orderedAscending
        }
        return Inspection(
            facts: [
                .init("kind", .string("adapter")),
                .init("method", .string(bundle.methodName)),
                .init("task", .string(bundle.head.kind.rawValue)),
                .init("labels", .array(bundle.labels.map { .string($0) })),
                .init("max_length", .integer(bundle.maxLength)),
                .init("adapter_parameters", .integer(all - inHead)),
                .init("head_parameters", .integer(inHead)),
                .init("base_family", .string(bundle.base.family)),
                .init("base_layers", .integer(bundle.base.layerCount)),
                .init("base_hidden_size", .integer(bundle.base.hiddenSize)),
                .init("base_weights_sha256", .string(bundle.base.weights.hexadecimal)),
                .init(
                    "provenance",
                    .object(
                        bundle.provenance.sorted { $0.key < $1.key }
                            .map { .init($0.key, .string($0.value)) }
                    )
                ),
            ],
            parts: (
                "sites",
                sites.map {
                    [.init("site", .string($0.key)), .init("parameters", .integer($0.value))]
                }
            )
        )
    }

    /// The state of an interrupted run.
    private static func checkpoint(_ path: String) throws -> Inspection {
        let progress = try ConfigurationFile(path: path + "/progress.json")
            .decode(StoredProgress.self)
        let state = try SafetensorsFile(path: path + "/state.safetensors")
        return Inspection(
            facts: [
                .init("kind", .string("checkpoint")), .init("path", .string(path)),
                .init("step", .integer(progress.step)),
                .init("finished_epochs", .integer(progress.epoch)),
                .init("best_epoch", .integer(progress.bestEpoch)),
                .init("trained_parameters", .integer(state["values"]?.elementCount ?? 0)),
            ],
            parts: ("tensors", rows(of: state))
        )
    }

    /// Tensors of a file.
    private static func tensors(_ file: SafetensorsFile, at path: String) -> Inspection {
        Inspection(
            facts: [
                .init("kind", .string("safetensors")), .init("path", .string(path)),
                .init("tensor_count", .integer(file.entries.count)),
                .init(
                    "parameters",
                    .integer(file.entries.reduce(0) { $0 + $1.elementCount })
                ),
                .init("bytes", .integer(file.mapping.byteCount)),
                .init(
                    "metadata",
                    .object(
                        file.metadata.sorted { $0.key < $1.key }
                            .map { .init($0.key, .string($0.value)) }
                    )
                ),
            ],
            parts: ("tensors", rows(of: file))
        )
    }

    private static func rows(of file: SafetensorsFile) -> [[JSONValue.Member]] {
        file.entries.map { entry in
            [
                .init("name", .string(entry.name)),
                .init("type", .string(entry.elementType.rawValue)),
                .init("shape", .string("\(entry.shape)")),
                .init("elements", .integer(entry.elementCount)),
            ]
        }
    }
}

/// The part of a checkpoint's `progress.json` that people ask for.
private struct StoredProgress: Decodable {
    let step: Int
    let epoch: Int
    let bestEpoch: Int
}
