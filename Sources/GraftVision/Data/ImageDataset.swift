private import Foundation
public import GraftData

/// Pictures with their answers, of which only names and compressed files are in memory.
///
/// | what | pictures | classes |
/// | --- | --- | --- |
/// | a folder | every `.jpg`, `.jpeg`, `.png` and `.webp` below it; other pictures (`.gif`, `.bmp`, …) are broken ones | the folder that a picture is in |
/// | a tar archive, plain or `.gz` | as a folder | as a folder |
/// | an IDX file (`...images-idx3-ubyte`, plain or `.gz`) | its rows | the file `...labels-idx1-ubyte` beside it |
/// | a file of rows (JSONL, CSV, TSV) | the column `image`: paths, from the file's folder or its `images/` | a column |
/// | one picture | itself | none |
///
/// ```swift
/// let schema = RowSchema(.picture, target: .category)
/// let train = try ImageDataset(contentsOf: "flowers/train", schema: schema)
/// let labels = try LabelMap(of: train.rows)
/// ```
public struct ImageDataset: Sendable {
    /// The pictures' names, as texts, with their answers.
    public let rows: Dataset
    /// What decodes the pictures.
    public var decoder = ImageDecoder()

    private let source: PictureSource

    /// Finds the pictures of a folder or file; decodes none.
    ///
    /// - Parameters:
    ///   - path: A folder or file, of a kind in the table above.
    ///   - schema: What to read: pictures, and which answers.
    ///   - format: How rows are written, where a file of rows does not say so by its name.
    ///   - limit: The most pictures; nil for all.
    /// - Throws: `DataError`.
    public init(
        contentsOf path: String,
        schema: RowSchema,
        format: DataFormat? = nil,
        limit: Int? = nil
    ) throws {
        if ImageDataset.isFolder(path) {
            (rows, source) = try ImageDataset.folder(path, schema, limit)
        } else if let format = format ?? (try? DataFormat(path: path)) {
            (rows, source) = try ImageDataset.listing(path, schema, format, limit)
        } else {
            (rows, source) = try ImageDataset.file(path, schema, limit)
        }
    }

    /// Takes files that are named one by one, without answers; decodes none.
    ///
    /// - Parameters:
    ///   - files: Paths of pictures.
    ///   - name: What errors call the source, as they would a path.
    /// - Throws: `DataError` if there are none.
    public init(files: [String], named name: String) throws(DataError) {
        rows = try Dataset(
            files.enumerated().map { Row(id: .number($0), line: $0 + 1, text: $1) },
            path: name,
            schema: RowSchema(.picture, target: nil)
        )
        source = .files(files)
    }

    /// The number of pictures.
    public var count: Int { rows.count }

    /// Decodes one picture.
    ///
    /// - Throws: ``ImageError``, or `DataError` if its file cannot be read.
    public func image(_ index: Int) throws -> RGBImage { try source.image(index, decoder) }

    /// Whether a path looks like pictures and not like a file of rows: a folder, or a file named as a picture, a
    /// tar archive or an IDX file of pictures is.
    public static func isNamed(by path: String) -> Bool {
        if isFolder(path) { return true }
        let name = path.lowercased()
        return PictureSource.isPicture(name) || IDXFile.labels(of: name) != nil
            || [".tar", ".tar.gz", ".tgz"].contains { name.hasSuffix($0) }
    }

    private static func isFolder(_ path: String) -> Bool {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: real)
        return attributes?[.type] as? FileAttributeType == .typeDirectory
    }
}

extension ImageDataset {
    private typealias Parts = (rows: Dataset, source: PictureSource)

    private static func folder(
        _ folder: String,
        _ schema: RowSchema,
        _ limit: Int?
    ) throws -> Parts {
        // What the file system lists has no order of its own.
        let names = chosen(files(in: folder), limit) { $0 }
        let rows = try rowsOfFolder(names, folder, schema)
        return (rows, .files(names.map { folder + "/" + $0 }))
    }

    /// The paths in a folder, and in folders that links in it lead to: classes may be shared by data sets.
    private static func files(in folder: String) -> [String] {
        func paths(_ folder: String) -> [String] {
            FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        }
        return paths(folder).flatMap { name in
            let path = folder + "/" + name
            // Nobody asks the file system about each of many pictures.
            guard !PictureSource.isPicture(name), isFolder(path),
                (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
            else { return [name] }
            let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            return paths(target).map { name + "/" + $0 }
        }
    }

    private static func listing(
        _ path: String,
        _ schema: RowSchema,
        _ format: DataFormat,
        _ limit: Int?
    ) throws -> Parts {
        let rows = try Dataset(contentsOf: path, schema: schema, format: format, limit: limit)
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let files = rows.map { row in
            if row.text.hasPrefix("/") { return row.text }
            let beside = folder + "/" + row.text
            if FileManager.default.fileExists(atPath: beside) { return beside }
            let below = folder + "/images/" + row.text
            return FileManager.default.fileExists(atPath: below) ? below : beside
        }
        return (rows, .files(files))
    }

    private static func file(
        _ path: String,
        _ schema: RowSchema,
        _ limit: Int?
    ) throws -> Parts {
        let bytes = try contents(ofFile: path)
        if IDXFile.recognises(bytes) { return try idx(bytes, path, schema, limit) }
        if ImageFormat(of: bytes) != nil {
            let rows = try rows([path], path, schema, classes: nil)
            return (rows, .parts(of: bytes, [0..<bytes.count]))
        }
        guard TarArchive.recognises(bytes) else {
            throw DataError.unreadable(
                path: path,
                reason: "it is no picture, tar archive, IDX file or file of rows"
            )
        }
        let archive = try TarArchive(bytes, path: path)
        let entries = chosen(archive.entries, limit) { $0.name }
        let rows = try rowsOfFolder(entries.map(\.name), path, schema)
        return (rows, .parts(of: bytes, entries.map(\.range)))
    }

    private static func idx(
        _ bytes: [UInt8],
        _ path: String,
        _ schema: RowSchema,
        _ limit: Int?
    ) throws -> Parts {
        let file = try IDXFile(bytes, dimensions: 3, path: path)
        guard file.shape[1] > 0, file.shape[2] > 0 else { throw DataError.noRows(path: path) }
        let count = min(limit ?? .max, file.shape[0])
        var classes: [String]?
        if schema.target != nil {
            guard let labelPath = IDXFile.labels(of: path) else {
                throw DataError.unreadable(
                    path: path,
                    reason: "its name does not tell where the labels are"
                        + " (hint: name it like train-images-idx3-ubyte)"
                )
            }
            let labels = try IDXFile(contents(ofFile: labelPath), dimensions: 1, path: labelPath)
            guard labels.shape[0] == file.shape[0] else {
                throw DataError.unreadable(
                    path: labelPath,
                    reason: "\(labels.shape[0]) labels for \(file.shape[0]) pictures"
                )
            }
            classes = labels.bytes[labels.start...].prefix(count).map { String($0) }
        }
        let names = (0..<count).map { "picture \($0) of \(path)" }
        let rows = try rows(names, path, schema, classes: classes, areNumbered: true)
        let (height, width) = (file.shape[1], file.shape[2])
        return (rows, .grey(bytes, start: file.start, width: width, height: height))
    }

    /// The pictures among some files, in the order of their names.
    private static func chosen<File>(
        _ files: [File],
        _ limit: Int?,
        name: (File) -> String
    ) -> [File] {
        let pictures = files.filter { file in
            let parts = name(file).split(separator: "/")
            return PictureSource.isPicture(name(file)) && !parts.contains { $0.hasPrefix("._") }
        }
        let ordered = pictures.sorted { name($0) < name($1) }
        guard let limit, limit < ordered.count else { return ordered }
        // They lie class by class, so the first ones would be of one class.
        return (0..<max(0, limit)).map { ordered[$0 * ordered.count / limit] }
    }

    /// Rows of pictures in folders, whose classes are the folders' names.
    private static func rowsOfFolder(
        _ names: [String],
        _ path: String,
        _ schema: RowSchema
    ) throws -> Dataset {
        guard schema.target != nil else { return try rows(names, path, schema, classes: nil) }
        let folders = names.map { Array($0.split(separator: "/").dropLast().filter { $0 != "." }) }
        if let index = folders.firstIndex(where: \.isEmpty) {
            throw DataError.unreadable(
                path: path,
                reason: "'\(names[index])' is in no folder that would be its class"
                    + " (hint: the layout is <class>/<picture>)"
            )
        }
        // Above the classes there may be the name of a split, but of one.
        let splits = Set(folders.map { $0.dropLast().joined(separator: "/") }).sorted()
        guard splits.count < 2 else {
            throw DataError.unreadable(
                path: path,
                reason: "it has pictures of several splits: \(splits.joined(separator: ", "))"
                    + " (hint: give one of them)"
            )
        }
        return try rows(names, path, schema, classes: folders.map { String($0.last ?? "") })
    }

    private static func rows(
        _ names: [String],
        _ path: String,
        _ schema: RowSchema,
        classes: [String]?,
        areNumbered: Bool = false
    ) throws -> Dataset {
        if schema.target != nil, schema.target != .category || classes == nil {
            throw DataError.unreadable(
                path: path,
                reason: classes == nil
                    ? "a single picture has no class (hint: train on folders or a file of rows)"
                    : "folders tell one class of each picture and nothing else"
            )
        }
        let rows = names.enumerated().map { index, name in
            Row(
                id: areNumbered ? .number(index) : .name(name),
                line: index + 1,
                text: name,
                target: schema.target == nil ? nil : classes.map { .category($0[index]) }
            )
        }
        return try Dataset(rows, path: path, schema: schema)
    }
}
