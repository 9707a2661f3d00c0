/// A command as one types it.
package struct ShellCommand: Sendable {
    /// The program and its arguments, not quoted.
    package let arguments: [String]

    package init(_ arguments: [String]) { self.arguments = arguments }

    /// The command quoted for a POSIX shell, with a line for each option.
    package var text: String {
        arguments.enumerated().map { index, argument in
            let quoted = Self.quoted(argument)
            guard index > 0 else { return quoted }
            return (argument.hasPrefix("--") ? " \\\n    " : " ") + quoted
        }.joined()
    }

    private static func quoted(_ argument: String) -> String {
        let plain = argument.unicodeScalars.allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar) || "-_./:=+,@%".unicodeScalars.contains(scalar)
        }
        if plain, !argument.isEmpty { return argument }
        return "'" + argument.replacing("'", with: #"'\''"#) + "'"
    }
}
