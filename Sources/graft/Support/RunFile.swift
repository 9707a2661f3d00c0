internal import ArgumentParser
internal import Foundation
internal import GraftLayers
internal import Yams

/// Settings of a command from a YAML file (`--config run.yaml`).
///
/// The file is a mapping of long option names, with `-` or `_`, to values:
///
/// ```yaml
/// model: MiniLM
/// method: double_seq_bn[reduction_factor=8]
/// learning_rate: 1e-3
/// labels: [low, normal, high]
/// overwrite: true
/// ```
///
/// It is spelled out as arguments before the real ones are parsed, less the options that the real ones name too. So
/// every value is read and checked in one place, whichever way it came. Paths are relative to the working folder,
/// as on the command line.
enum RunFile {
    /// Returns the arguments with those that `--config` stands for in front.
    ///
    /// - Throws: ``CommandError`` naming the file, the line and the key.
    static func expanded(_ arguments: [String]) throws -> [String] {
        guard let name = arguments.first, let command = command(of: arguments),
            let path = value(of: "config", in: arguments)
        else { return arguments }
        let given = Set(arguments.compactMap(optionName))
        let options = try OptionDescription.all(of: command)
        let settings = try entries(of: path).flatMap { entry -> [String] in
            guard let option = options[entry.name] else {
                let near = options.keys.nearest(to: entry.name)
                throw entry.error(
                    "'\(entry.name)' is no setting of graft \(name)",
                    hint: near.map { "did you mean '\($0)'?" } ?? "graft \(name) --help"
                )
            }
            let arguments = try option.arguments(for: entry)
            return given.contains(entry.name) ? [] : arguments
        }
        return [name] + settings + arguments.dropFirst()
    }

    /// Confirms that no file or folder to read is given where the last one would be read alone.
    ///
    /// Of other options the last one counts, so that scripts can override what they are given.
    ///
    /// - Throws: ``CommandError`` naming the option.
    static func checkRepeated(_ arguments: [String]) throws {
        var seen: Set<String> = []
        let repeated = arguments.prefix { $0 != "--" }.compactMap(optionName).filter {
            !seen.insert($0).inserted
        }
        guard !repeated.isEmpty, let command = command(of: arguments) else { return }
        let options = try OptionDescription.all(of: command)
        for name in repeated {
            let isRead = name == "config" || options[name]?.readsOnePath == true
            guard isRead, name != "output" else { continue }
            throw CommandError(
                "--\(name): is given twice, and takes one \(options[name]?.valueName ?? "file")"
            )
        }
    }

    private static func command(of arguments: [String]) -> (any ParsableCommand.Type)? {
        Graft.configuration.subcommands.first {
            $0.configuration.commandName == arguments.first
        }
    }

    private static func optionName(_ argument: String) -> String? {
        guard argument.hasPrefix("--") else { return nil }
        return argument.dropFirst(2).split(separator: "=").first.map(String.init)
    }

    private static func value(of option: String, in arguments: [String]) -> String? {
        for (index, argument) in arguments.enumerated() where optionName(argument) == option {
            if let equals = argument.firstIndex(of: "=") {
                return String(argument[argument.index(after: equals)...])
            }
            return arguments.dropFirst(index + 1).first
        }
        return nil
    }

    private static func entries(of path: String) throws -> [Entry] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: String(contentsOfFile: path, encoding: .utf8))
        } catch YamlError.parser(_, let problem, let mark, _),
            YamlError.scanner(_, let problem, let mark, _)
        {
            throw CommandError("\(path):\(mark.line): is not YAML: \(problem)")
        } catch let error as YamlError {
            throw CommandError("\(path): is not YAML: \(error)")
        } catch {
            throw CommandError("\(path): cannot be read", hint: "--config names a YAML file")
        }
        guard let root else { return [] }
        guard let mapping = root.mapping else {
            throw CommandError("\(path): expected settings", hint: "one 'name: value' a line")
        }
        return mapping.map { key, value in
            let name = (key.scalar?.string ?? "").replacing("_", with: "-")
            return Entry(name: name, value: value, place: "\(path):\(key.mark?.line ?? 1)")
        }
    }
}

/// One setting of a run file.
private struct Entry {
    let name: String
    let value: Node
    /// The file and line.
    let place: String

    func error(_ problem: String, hint: String? = nil) -> CommandError {
        CommandError("\(place): \(problem)", hint: hint)
    }
}

/// What a command says about one of its options.
private struct OptionDescription: Decodable {
    let kind: String
    let isRepeating: Bool
    let names: [Name]?
    let valueName: String?

    /// Whether its value is one file or folder.
    var readsOnePath: Bool {
        !isRepeating && ["file", "folder"].contains(valueName)
    }

    struct Name: Decodable {
        let kind: String
        let name: String
    }

    private struct Dump: Decodable {
        let command: Command

        struct Command: Decodable {
            let arguments: [OptionDescription]?
        }
    }

    /// The options of a command by their long names.
    ///
    /// ArgumentParser describes commands as JSON to completion scripts and manuals; the same serves here.
    static func all(of command: any ParsableCommand.Type) throws -> [String: OptionDescription] {
        var text = "{}"
        do { _ = try command.parse(["--experimental-dump-help"]) } catch {
            text = command.fullMessage(for: error)
        }
        let dump = try JSONDecoder().decode(Dump.self, from: Data(text.utf8))
        var options: [String: OptionDescription] = [:]
        for option in dump.command.arguments ?? [] where option.kind != "positional" {
            for name in option.names ?? [] where name.kind == "long" { options[name.name] = option }
        }
        for name in ["config", "help", "version"] { options[name] = nil }
        return options
    }

    /// The arguments that a setting stands for.
    func arguments(for entry: Entry) throws(CommandError) -> [String] {
        if kind == "flag" {
            switch entry.value.scalar?.string {
            case "true": return ["--\(entry.name)"]
            case "false": return []
            default: throw entry.error("\(entry.name): expected true or false")
            }
        }
        if let scalar = entry.value.scalar { return ["--\(entry.name)=\(scalar.string)"] }
        guard let list = entry.value.sequence?.map({ $0.scalar?.string }), !list.contains(nil)
        else {
            throw entry.error("\(entry.name): expected a value or a list of values")
        }
        let values = list.compactMap(\.self)
        if isRepeating { return values.map { "--\(entry.name)=\($0)" } }
        return ["--\(entry.name)=\(values.joined(separator: ","))"]
    }
}
