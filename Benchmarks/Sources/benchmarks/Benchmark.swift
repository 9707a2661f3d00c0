/// Something whose instructions are counted.
struct Benchmark: Sendable {
    /// Its name, and that of its threshold's file.
    let name: String
    /// Makes everything that is not counted, and returns what is.
    let prepare: @Sendable () throws -> () throws -> Void

    /// All of them, in the order in which they run.
    static let all = kernels + rows + passes
}
