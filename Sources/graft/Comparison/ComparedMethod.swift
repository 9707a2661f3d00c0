internal import ArgumentParser
internal import GraftAdapters
internal import GraftLayers
internal import GraftModels
internal import GraftTraining

/// A method of a comparison, with the runs that it has.
struct ComparedMethod {
    /// The method as the user wrote it.
    let name: String
    let method: any AdapterMethod
    /// The name of its folder.
    let folder: String
    /// What is known of its size, once it was put on the model.
    var parameters: RunReport.Parameters?
    var runs: [ComparedRun] = []
    var failures: [(seed: UInt64, reason: String)] = []

    /// Reads the value of `--methods`.
    ///
    /// - Throws: `ConfigurationError` naming what is no method; `ValidationError` if two are the same.
    static func list(_ text: String) throws -> [ComparedMethod] {
        let methods = try AdapterRegistry.expressions(in: text).map { name in
            ComparedMethod(
                name: name,
                method: try AdapterRegistry.builtin.method(named: name),
                folder: folderName(name)
            )
        }
        let byFolder = Dictionary(grouping: methods, by: \.folder)
        if let twins = byFolder.values.first(where: { $0.count > 1 }) {
            throw ValidationError(
                "--methods: '\(twins[0].name)' and '\(twins[1].name)' would share the folder"
                    + " '\(twins[0].folder)'"
            )
        }
        return methods
    }

    private init(name: String, method: any AdapterMethod, folder: String) {
        self.name = name
        self.method = method
        self.folder = folder
    }

    /// Confirms, before any method is trained, that this one fits the model.
    func check(on base: BaseModel, under head: HeadKind) throws {
        do {
            try method.check(against: base.sites(under: head))
        } catch let error as ConfigurationError {
            throw CommandError("\(name): \(error)")
        }
    }

    /// The name with what shells and file systems take for more than a name left out: `lora[r=8]` is `lora-r=8`.
    private static func folderName(_ name: String) -> String {
        let parts = name.split { !($0.isLetter || $0.isNumber || "_.+=".contains($0)) }
        return String(parts.joined(separator: "-").prefix(120))
    }
}
