internal import ArgumentParser

/// Whether adapters of other models are refused.
struct MismatchOption: ParsableArguments {
    @Flag(help: "Use an adapter that was trained on another model of the same shape.")
    var allowBaseMismatch = false
}
