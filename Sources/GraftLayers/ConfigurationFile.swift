public import Foundation

/// A JSON file of settings, such as `config.json` or `adapter_config.json`.
///
/// Whatever is wrong with it becomes one ``ConfigurationError`` that names the file and the field:
/// `config.json: hidden_size: expected an integer, found "a"`. That holds for types with a
/// synthesized `init(from:)` as well as for those that read ``ConfigurationFields``.
public struct ConfigurationFile: Sendable {
    /// The largest file that is read: real ones have some kilobytes, and an untrusted folder must
    /// not fill the memory.
    public static let byteLimit = 16 << 20

    /// The path as errors quote it.
    public let path: String

    private let contents: Data

    /// Reads the file.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``ConfigurationError`` if there is no such file, or it cannot be read or is larger
    ///   than ``byteLimit``.
    public init(path: String) throws(ConfigurationError) {
        let contents: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            contents = try handle.read(upToCount: ConfigurationFile.byteLimit + 1) ?? Data()
        } catch {
            throw ConfigurationFile.failure(path, ConfigurationFile.reason(path))
        }
        guard contents.count <= ConfigurationFile.byteLimit else {
            let problem = "is larger than \(ConfigurationFile.byteLimit >> 20) MiB"
            throw ConfigurationFile.failure(path, problem + " (hint: is this a settings file?)")
        }
        self.init(contents, path: path)
    }

    /// Takes contents that were read elsewhere.
    ///
    /// - Parameters:
    ///   - contents: UTF-8 encoded JSON.
    ///   - path: The name for errors.
    public init(_ contents: Data, path: String) {
        self.contents = contents
        self.path = path
    }

    /// Decodes the whole file.
    ///
    /// - Parameter type: The type of the settings.
    /// - Returns: The settings.
    /// - Throws: ``ConfigurationError`` with this file's path.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self
    ) throws(ConfigurationError) -> Value {
        let decoder = JSONDecoder()
        do {
            return try decoder.decode(type, from: contents)
        } catch {
            if let reason = ConfigurationFile.syntaxError(contents) {
                throw ConfigurationFile.failure(path, "is not valid JSON: \(reason)")
            }
            var result = ConfigurationError(error, at: [], decoding: type) {
                try? decoder.decode(FoundValue.self, from: contents)
            }
            result.file = path
            throw result
        }
    }

    /// Returns what keeps `contents` from being JSON, which `JSONDecoder` does not say on Linux.
    private static func syntaxError(_ contents: Data) -> String? {
        do {
            _ = try JSONSerialization.jsonObject(with: contents, options: .fragmentsAllowed)
            return nil
        } catch {
            let detail = (error as NSError).userInfo["NSDebugDescription"] as? String
            let reason = detail ?? "not JSON text"
            return reason.hasSuffix(".") ? String(reason.dropLast()) : reason
        }
    }

    private static func failure(_ path: String, _ problem: String) -> ConfigurationError {
        var error = ConfigurationError(field: "", problem: problem)
        error.file = path
        return error
    }

    private static func reason(_ path: String) -> String {
        switch try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        {
        case nil: "no such file"
        case .typeDirectory: "is a folder, not a file"
        default: "cannot be read (hint: permissions?)"
        }
    }
}
