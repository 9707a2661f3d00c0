internal import Dispatch
internal import Foundation
internal import GraftFormats
internal import Synchronization

/// Turns the first SIGINT or SIGTERM into a wish that the run may honour when it suits; the second ends the process.
final class Interruption: @unchecked Sendable {
    private let wished = Atomic(false)
    // Set up once and only kept alive afterwards, which any thread may do.
    private let sources: [any DispatchSourceSignal]

    /// Ends the process at the first signal, and leaves nothing half-written behind.
    static func discarding() -> Interruption {
        Interruption {
            AtomicFolder.discardUnfinished { discarded in
                Console.error("graft: interrupted" + (discarded ? ", nothing was written" : ""))
                _exit(130)
            }
        }
    }

    /// Leaves it to the run to stop after the step that it is at.
    static func afterStep() -> Interruption {
        Interruption { Console.error("\ngraft: stopping after this step; once more stops at once") }
    }

    /// Starts to listen.
    ///
    /// A reader of the standard output that goes does not end the process from here on.
    init(onWish: @escaping @Sendable () -> Void) {
        _ = signal(SIGPIPE, SIG_IGN)
        let queue = DispatchQueue(label: "graft.signals")
        sources = [SIGINT, SIGTERM].map { number in
            _ = signal(number, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: number, queue: queue)
        }
        for source in sources {
            source.setEventHandler { [weak self] in
                guard let self else { return }
                if wished.exchange(true, ordering: .relaxed) { _exit(130) }
                onWish()
            }
            source.resume()
        }
    }

    /// Whether somebody asked the process to stop.
    var isWished: Bool { wished.load(ordering: .relaxed) }
}
