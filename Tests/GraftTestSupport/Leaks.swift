internal import GraftTorch

/// Tensors that outlived the code that made them.
package struct LeakedTensors: Error, CustomStringConvertible {
    let count: Int

    package var description: String { "\(count) tensors leaked" }
}

/// Confirms that as many tensors live after `body` as before.
///
/// The count is the process's, so call it inside `#expect(processExitsWith: .success)`: tests that run at the same time
/// make tensors too. `body` runs once before counting begins, to fill what is made once for a process.
///
/// - Throws: ``LeakedTensors``, or what `body` throws.
package func checkNoLeaks(_ body: () throws -> Void) throws {
    try body()
    let before = Tensor.liveCount
    try body()
    guard Tensor.liveCount == before else {
        throw LeakedTensors(count: Tensor.liveCount - before)
    }
}
