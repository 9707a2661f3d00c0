package import GraftTorch
package import Testing

/// Expects equal shapes and, at every element, a difference of at most `tolerance`, relative to the largest
/// expected value where that exceeds one.
///
/// The default, ``parityTolerance``, is what a float32 implementation can hold against the fixtures
/// (`Tests/Fixtures/README.md`).
/// NaN is close to nothing.
package func expectClose(
    _ actual: Tensor,
    _ expected: Tensor,
    tolerance: Double = parityTolerance,
    _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    guard actual.shape == expected.shape else {
        Issue.record(
            "\(what): shape \(actual.shape), expected \(expected.shape)",
            sourceLocation: sourceLocation
        )
        return
    }
    expectClose(
        try actual.values(),
        try expected.values(),
        tolerance: tolerance,
        "\(what) \(actual.shape)",
        sourceLocation: sourceLocation
    )
}

/// Expects equally many numbers, each close to its counterpart as the tensors' elements are.
package func expectClose(
    _ actual: [Double],
    _ expected: [Double],
    tolerance: Double = parityTolerance,
    _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record(
            "\(what): \(actual.count) values, expected \(expected.count)",
            sourceLocation: sourceLocation
        )
        return
    }
    let limit = tolerance * expected.reduce(1) { max($0, abs($1)) }
    let errors = zip(actual, expected).map { actual, expected in
        actual.isNaN || expected.isNaN ? .infinity : abs(actual - expected)
    }
    guard let worst = errors.indices.max(by: { errors[$0] < errors[$1] }) else { return }
    #expect(
        errors[worst] <= limit,
        """
        \(what): element \(worst) is \(actual[worst]), expected \(expected[worst]); \
        \(errors.count { $0 > limit }) of \(errors.count) differ by more than \(limit)
        """,
        sourceLocation: sourceLocation
    )
}

/// Expects the same shape, element type and bits.
package func expectIdentical(
    _ actual: Tensor,
    _ expected: Tensor,
    _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(
        try actual.dtype == expected.dtype && actual.shape == expected.shape
            && actual.bytes() == expected.bytes(),
        "\(what): \(actual) and \(expected) differ",
        sourceLocation: sourceLocation
    )
}
