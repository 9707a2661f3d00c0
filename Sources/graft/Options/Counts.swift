internal import ArgumentParser

/// Confirms that counts are at least 1 where they are given.
///
/// - Parameter counts: Values by the long names of their options.
/// - Throws: `ValidationError` naming the first that is not.
func checkCounts(_ counts: KeyValuePairs<String, Int?>) throws {
    for case (let name, let count?) in counts where count < 1 {
        throw ValidationError("--\(name) must be at least 1, found \(count)")
    }
}
