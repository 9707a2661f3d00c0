internal import ArgumentParser
internal import Foundation
internal import GraftAdapters
internal import GraftFormats
internal import GraftTraining

/// How trained adapters are put on a model.
struct AdapterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The adapter of a composition whose head answers (default: the last of a stack).",
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
                hint: path.contains("(")
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

    /// The adapter whose head answers where the user names none: what a stack ends with, or any of heads that are all the
    /// same, as those of adapters that write.
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
        let isSame = try members.allSatisfy {
            try $0.1.headDifference(from: members[0].1) == nil
        }
        if isSame { return members[0].0 }
        throw CommandError(
            "'\(composition)': each of these adapters has a head",
            hint: "choose one, such as --head \(composition.names[0])"
        )
    }
}
