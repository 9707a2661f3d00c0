internal import Foundation
internal import GraftData
internal import GraftFormats

/// Where a comparison keeps its report and its runs.
struct ComparisonFolder {
    let path: String

    /// Creates the folder, or takes the one of an earlier comparison.
    ///
    /// - Throws: ``CommandError`` if the folder holds other things; `FileError` if it cannot be written.
    init(path: String) throws {
        self.path = path
        try AtomicFolder.check(path, ifExists: .replace)
        let manager = FileManager.default
        let contents = (try? manager.contentsOfDirectory(atPath: path)) ?? []
        guard contents.isEmpty || contents.contains(ComparisonFolder.resultName) else {
            throw CommandError(
                "\(path): the folder holds files and no comparison",
                hint: "choose another --output"
            )
        }
        if contents.isEmpty {
            do {
                try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
            } catch {
                throw CommandError(
                    "\(path): cannot create the folder: \(error.localizedDescription)"
                )
            }
            // Marks the folder as that of a comparison, should it be stopped before its first result.
            try write(.object([]), report: nil)
        }
    }

    private static let resultName = "comparison.json"

    /// The folder of a run.
    func path(of method: ComparedMethod, seed: UInt64) -> String {
        "\(path)/\(method.folder)/\(seed)"
    }

    /// The page.
    var reportPath: String { path + "/report.html" }

    /// Writes the results so far.
    func write(_ result: JSONValue, report: String?) throws {
        let text = Data((result.description + "\n").utf8)
        try AtomicFile.write(text, to: "\(path)/\(ComparisonFolder.resultName)")
        if let report { try AtomicFile.write(Data(report.utf8), to: reportPath) }
    }
}
