internal import Foundation

/// Reads files of a folder, with errors that name them.
struct ModelFolder {
    private let url: URL

    init(_ url: URL) { self.url = url }

    func contains(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path(of: name))
    }

    /// The names of the folder's files that end in `suffix`, sorted.
    func names(endingIn suffix: String) -> [String] {
        let path = url.path(percentEncoded: false)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(suffix) }.sorted()
    }

    func path(of name: String) -> String {
        url.appending(path: name).path(percentEncoded: false)
    }

    func bytes(_ name: String) throws(TokenizerError) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: url.appending(path: name)))
        } catch {
            throw .unreadable(file: path(of: name), reason: "\(error.localizedDescription)")
        }
    }

    func json(_ name: String) throws(TokenizerError) -> JSONField {
        let bytes = try bytes(name)
        do throws(JSONParser.Failure) {
            let value = try JSONParser.parse(bytes)
            return JSONField(file: path(of: name), path: "", value: value)
        } catch {
            let before = bytes[..<error.position]
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
            throw .notJSON(file: path(of: name), line: line, column: column, reason: error.reason)
        }
    }
}
