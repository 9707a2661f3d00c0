internal import Foundation
internal import GraftData
internal import GraftFormats

/// Where a comparison keeps its report and its runs.
struct ComparisonFolder {
    let path: String

    /// Chooses a folder that is yet to be made, or the one of an earlier comparison.
    ///
    /// - Throws: ``CommandError`` if the folder holds other things; `FileError` if there is a file.
    init(path: String) throws {
        self.path = path
        try AtomicFolder.check(path, ifExists: .replace)
        let contents = contents
        guard contents.isEmpty || contents.contains(ComparisonFolder.resultName) else {
            throw CommandError(
                "\(path): the folder holds files and no comparison",
                hint: "choose another --output"
            )
        }
    }

    private var contents: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    }

    /// Makes the folder unless it is there, and marks it as that of a comparison, should it be stopped before its
    /// first result.
    ///
    /// - Throws: ``CommandError`` if it cannot be made; `FileError` if it cannot be written.
    func create() throws {
        guard contents.isEmpty else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )
        } catch {
            throw CommandError("\(path): cannot create the folder: \(error.systemReason)")
        }
        try write(.object([]), report: nil)
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
