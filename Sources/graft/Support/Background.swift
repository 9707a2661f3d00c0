internal import Dispatch
internal import Synchronization

/// A value that another thread computes while this one goes on.
final class Background<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let finished = DispatchGroup()

    /// Starts to compute.
    init(_ body: @escaping @Sendable () throws -> Value) {
        finished.enter()
        DispatchQueue.global().async {
            let outcome = Result { try body() }
            self.result.withLock { $0 = outcome }
            self.finished.leave()
        }
    }

    /// Waits for the value.
    ///
    /// - Throws: What computing it threw.
    func value() throws -> Value? {
        finished.wait()
        return try result.withLock { try $0?.get() }
    }
}
