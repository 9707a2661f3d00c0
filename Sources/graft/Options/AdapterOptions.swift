internal import ArgumentParser
internal import Foundation
internal import GraftAdapters
internal import GraftFormats
internal import GraftTraining

/// How trained adapters are put on a model.
struct AdapterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The adapter of a composition whose head answers (default: a stack's last; any, where all heads are the same).",
            valueName: "folder"
        )
    )
    var head: String?

    @OptionGroup var mismatch: MismatchOption

    /// Reads an adapter's folder.
    ///
    /// - Throws: An error naming the folder if it is no adapter.
    static func bundle(_ path: String) throws -> AdapterBundle {
        guard FileManager.default.fileExists(atPath: path + "/adapter_config.json") else {
            throw CommandError(
                "\(path): no adapter here",
                hint: (try? Composition(path))?.names.count ?? 1 > 1
                    ? "this takes one adapter, and '\(path)' is a composition"
                    : "name the folder that `graft train --output` wrote"
            )
        }
        return try AdapterBundle(path: path)
    }

    /// Reads an adapter's folder and confirms that it fits a model, so that an error names the folder.
    static func bundle(
        _ path: String,
        on base: BaseModel,
        allowsBaseMismatch: Bool
    ) throws -> AdapterBundle {
        let bundle = try bundle(path)
        _ = try Predictor(
            base,
            adapter: bundle,
            named: path,
            allowsBaseMismatch: allowsBaseMismatch
        )
        return bundle
    }

    /// Loads an adapter, or a composition of adapters, onto a model.
    ///
    /// - Parameters:
    ///   - text: A folder, or folders in a composition: `stack(runs/language,runs/task)`.
    ///   - base: The model.
    /// - Returns: What answers.
    /// - Throws: An error naming the folder if it is no adapter or belongs to another model.
    func predictor(_ text: String, on base: BaseModel) throws -> Predictor {
        try Predictor(
            base,
            adapter: bundle(text),
            named: text,
            allowsBaseMismatch: mismatch.allowBaseMismatch
        )
    }

    private func bundle(_ text: String) throws -> AdapterBundle {
        guard text.contains("("), !FileManager.default.fileExists(atPath: text) else {
            guard head == nil else {
                throw ValidationError("--head chooses in a composition, '\(text)' is one adapter")
            }
            return try AdapterOptions.bundle(text)
        }
        let composition = try Composition(text)
        let members = try composition.names.map { ($0, try AdapterOptions.bundle($0)) }
        return try AdapterBundle(
            composing: composition,
            of: Dictionary(uniqueKeysWithValues: members),
            head: head ?? AdapterOptions.head(of: composition, members)
        )
    }

    /// The adapter whose head answers where the user names none: what a stack ends with, or any of those that answer alike
    /// and read alike, as adapters that write do.
    private static func head(
        of composition: Composition,
        _ members: [(String, AdapterBundle)]
    ) throws -> String {
        switch composition {
        case .single(let name): return name
        case .stack(let parts):
            guard let last = parts.last else { break }
            return try head(of: last, members)
        case .fuse:
            throw CommandError(
                "'\(composition)' has parameters of its own",
                hint: "graft fuse trains them"
            )
        default: break
        }
        let names = Set(composition.names)
        let own = members.filter { names.contains($0.0) }
        let (name, first) = own[0]
        let isSame = try own.allSatisfy { _, other in
            try other.headDifference(from: first) == nil && other.maxLength == first.maxLength
                && other.reading == first.reading && other.readsPairs == first.readsPairs
                && other.columns == first.columns
        }
        if isSame { return name }
        throw CommandError(
            "'\(composition)': each of these adapters has a head",
            hint: "choose one, such as --head \(composition.names[0])"
        )
    }
}
