internal import Foundation

extension RunReport {
    /// Returns the report as a page of one file: no scripts, no external resources, light and dark,
    /// printable.
    ///
    /// The text is UTF-8 HTML that is also well-formed XML. Texts of the run (labels, paths,
    /// examples) are escaped, whatever they contain.
    public func html() -> String {
        HTMLPage(title: "\(title) · Graft run report") {
            header
            HTMLPage.warningBox(warnings)
            Markup("section", ["class": "tiles", "aria-label": "Headline figures"]) { tiles }
            HTMLPage.section("Learning", learning)
            HTMLPage.section("Result", result)
            HTMLPage.section("Parameters", parameterCards)
            HTMLPage.section("Data", dataCards)
            HTMLPage.section("Settings", settingCards)
            HTMLPage.reproduction(command)
            HTMLPage.footer(keeping: "the adapter")
        }.rendered()
    }

    private var header: Markup {
        Markup("header") {
            Markup("h1") { title }
            Markup("p", ["class": "muted"]) {
                Markup("code") { method.description }
                " on \(model.name), \(task). \(Figures.date(started))"
                duration > 0 ? ", \(Figures.duration(duration))." : "."
            }
        }
    }

    /// The headline figures: what it is worth and what it cost.
    private var tiles: [Markup] {
        var tiles: [Markup] = []
        if let score {
            var notes: [String] = []
            if let majorityBaseline {
                let gain = score - majorityBaseline
                let sign = gain < 0 ? "−" : "+"
                notes.append(
                    "\(sign)\(Figures.score(gain.magnitude)) over majority class "
                        + "\(Figures.score(majorityBaseline))"
                )
            }
            if let bestEpoch { notes.append("epoch \(bestEpoch) of \(epochs.count)") }
            tiles.append(
                HTMLPage.tile(
                    primaryMetric,
                    Figures.score(score),
                    notes.joined(separator: ", "),
                    isFirst: true
                )
            )
        } else if let loss = steps.last?.loss {
            tiles.append(
                HTMLPage.tile(
                    "last training loss",
                    Figures.score(loss),
                    "not evaluated",
                    isFirst: true
                )
            )
        }
        if parameters.trainable > 0 {
            let share =
                parameters.total > 0
                ? Figures.percent(Double(parameters.trainable) / Double(parameters.total))
                    + " of \(Figures.short(parameters.total))" : ""
            tiles.append(
                HTMLPage.tile("trainable parameters", Figures.count(parameters.trainable), share)
            )
        }
        if let seconds = speed.trainSeconds {
            let ready = speed.readySeconds.map { "ready after \(Figures.duration($0))" }
            let rate = speed.examplesPerSecond.map { "\(Figures.measure($0)) examples/s" }
            let note = [rate, ready].compactMap(\.self).joined(separator: ", ")
            tiles.append(HTMLPage.tile("training time", Figures.duration(seconds), note))
        }
        if let peakMemory {
            tiles.append(
                HTMLPage.tile("peak memory", Figures.bytes(peakMemory), "resident, whole process")
            )
        }
        return tiles
    }
}
