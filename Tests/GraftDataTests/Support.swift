import Foundation
import GraftData

/// Reads rows from text, under the name that the format suggests.
func dataset(
    _ text: String,
    _ format: DataFormat = .jsonLines,
    _ schema: RowSchema = RowSchema(.text, target: .category),
    limit: Int? = nil
) throws(DataError) -> Dataset {
    try Dataset(
        parsing: Array(text.utf8),
        named: "rows",
        schema: schema,
        format: format,
        limit: limit
    )
}

/// What the user reads when the rows of `text` cannot be read; nil if they can.
func complaint(
    _ text: String,
    _ format: DataFormat = .jsonLines,
    _ schema: RowSchema = RowSchema(.text, target: .category)
) -> String? {
    complaint { () throws(DataError) in _ = try dataset(text, format, schema) }
}

/// The description of the error that `body` throws; nil if it throws none.
func complaint(_ body: () throws(DataError) -> Void) -> String? {
    do throws(DataError) {
        try body()
        return nil
    } catch {
        return error.description
    }
}

/// A folder that is gone after `body`.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

/// The schemas that tests use most.
extension RowSchema {
    static let classes = RowSchema(.text, target: .category)
    static let multiLabel = RowSchema(.text, target: .categories)
    static let regression = RowSchema(.text, target: .number)
    static let tagging = RowSchema(.words, target: .tags)
    static let unlabelled = RowSchema(.text, target: nil)
}
