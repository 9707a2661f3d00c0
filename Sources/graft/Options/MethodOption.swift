internal import ArgumentParser
internal import GraftAdapters

/// The method of a command that works with one.
struct MethodOption: ParsableArguments {
    @Option(
        name: .customLong("method"),
        help: ArgumentHelp(
            "The adapter method with its settings: \(AdapterRegistry.builtin.names.joined(separator: ", ")).",
            discussion: "Settings stand in brackets: 'seq_bn[reduction_factor=8,leave_out=[0,1]]'.",
            valueName: "name[setting=value,...]"
        )
    )
    var name = "double_seq_bn"

    /// The method that the name stands for.
    func parsed() throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(named: name)
    }
}
