internal import Foundation
internal import GraftTraining

/// Shows how a run goes on: a line that rewrites itself on a terminal, else a line now and then.
struct Progress {
    private let isShown: Bool
    private let epochs: Int
    private let metric: Metric
    /// What stands in front of every line, where there are several runs.
    private let run: String
    private var (firstStep, totalSteps, stepsDone, rowsDone) = (0, 0, 0, 0)
    private var loss = 0.0
    private var start = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private var lastTenth = 0

    init(isShown: Bool, epochs: Int, metric: Metric, run: String? = nil) {
        self.isShown = isShown
        self.run = run.map { $0 + ": " } ?? ""
        self.epochs = epochs
        self.metric = metric
    }

    /// Shows what happened.
    mutating func show(_ event: Trainer.Event) {
        guard isShown else { return }
        switch event {
        case .started(let step, let total):
            (firstStep, stepsDone, totalSteps) = (step, step, total)
            start = .now
            if step > 0 { Console.error("graft: \(run)going on after step \(step) of \(total)") }
        case .step(let step, let total, let rows):
            (stepsDone, totalSteps) = (step.step, total)
            rowsDone += rows
            loss = step.loss
            showStep(epoch: step.epoch)
        case .evaluated(let result, let isBest):
            showEpoch(result, isBest: isBest)
        case .checkpoint:
            break
        }
    }

    private mutating func showStep(epoch: Int) {
        let now = ContinuousClock.now
        if Console.isTerminal {
            guard now - lastShown > .milliseconds(100) else { return }
            lastShown = now
            Console.error("\r" + line(epoch: epoch, now) + "\u{1B}[K", terminator: "")
            return
        }
        // Every tenth of the run, but not more often than somebody reads.
        let tenth = stepsDone * 10 / max(1, totalSteps)
        guard tenth > lastTenth else { return }
        lastTenth = tenth
        guard now - lastShown > .seconds(5) else { return }
        lastShown = now
        Console.error("graft: " + line(epoch: epoch, now))
    }

    private func line(epoch: Int, _ now: ContinuousClock.Instant) -> String {
        let seconds = max((now - start) / .seconds(1), 1e-9)
        let rate = Double(rowsDone) / seconds
        let left = seconds / Double(max(1, stepsDone - firstStep)) * Double(totalSteps - stepsDone)
        return run + "epoch \(epoch)/\(epochs)  step \(stepsDone)/\(totalSteps)"
            + "  loss \(Figures.score(loss))  \(Figures.measure(rate)) rows/s"
            + "  \(Figures.duration(left)) left"
    }

    private mutating func showEpoch(_ result: Trainer.EpochResult, isBest: Bool) {
        lastShown = .now
        var text =
            run
            + "epoch \(result.epoch)/\(epochs): training loss \(Figures.score(result.trainingLoss))"
        if let metrics = result.metrics {
            if let score = metrics[metric] {
                text += ", \(metric.rawValue) \(Figures.score(score))"
            }
            if let loss = metrics[.loss], metric != .loss {
                text += ", loss \(Figures.score(loss))"
            }
            if isBest { text += "  (best)" }
        }
        Console.error((Console.isTerminal ? "\r\u{1B}[K" : "") + "graft: " + text)
    }
}
