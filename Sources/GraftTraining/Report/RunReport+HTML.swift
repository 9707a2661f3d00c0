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
            if !warnings.isEmpty { warningBox }
            Markup("section", ["class": "tiles", "aria-label": "Headline figures"]) { tiles }
            section("Learning", learning)
            section("Result", result)
            section("Parameters", parameterCards)
            section("Data", dataCards)
            section("Settings", settingCards)
            if !command.isEmpty { reproduction }
            footer
        }.rendered()
    }

    private var header: Markup {
        Markup("header") {
            Markup("h1") { title }
            Markup("p", ["class": "muted"]) {
                Markup("code") { method.description }
                " on \(model.name), \(task). \(Self.dateText(started))"
                duration > 0 ? ", \(Figures.duration(duration))." : "."
            }
        }
    }

    private var warningBox: Markup {
        Markup("aside", ["class": "warnings", "aria-label": "Warnings"]) {
            Markup("strong") { warnings.count == 1 ? "One warning" : "\(warnings.count) warnings" }
            Markup("ul") { warnings.map { warning in Markup("li") { warning } } }
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
                tile(
                    primaryMetric,
                    Figures.score(score),
                    notes.joined(separator: ", "),
                    "card tile first"
                )
            )
        } else if let loss = steps.last?.loss {
            tiles.append(
                tile("last training loss", Figures.score(loss), "not evaluated", "card tile first")
            )
        }
        if parameters.trainable > 0 {
            let share =
                parameters.total > 0
                ? Figures.percent(Double(parameters.trainable) / Double(parameters.total))
                    + " of \(Figures.short(parameters.total))" : ""
            tiles.append(tile("trainable parameters", Figures.count(parameters.trainable), share))
        }
        if let seconds = speed.trainSeconds {
            let ready = speed.readySeconds.map { "ready after \(Figures.duration($0))" }
            let rate = speed.examplesPerSecond.map { "\(Figures.measure($0)) examples/s" }
            let note = [rate, ready].compactMap(\.self).joined(separator: ", ")
            tiles.append(tile("training time", Figures.duration(seconds), note))
        }
        if let peakMemory {
            tiles.append(tile("peak memory", Figures.bytes(peakMemory), "resident, whole process"))
        }
        return tiles
    }

    private func tile(
        _ name: String,
        _ value: String,
        _ note: String,
        _ style: String = "card tile"
    ) -> Markup {
        Markup("div", ["class": style]) {
            Markup("div", ["class": "name"]) { name }
            Markup("div", ["class": "value"]) { value }
            if !note.isEmpty { Markup("div", ["class": "note"]) { note } }
        }
    }

    /// A heading with its cards, or nothing where there is nothing to show.
    @MarkupBuilder
    private func section(_ name: String, _ cards: [Markup]) -> [Markup] {
        if !cards.isEmpty {
            Markup("section") {
                Markup("h2") { name }
                Markup("div", ["class": "grid"]) { cards }
            }
        }
    }

    private var reproduction: Markup {
        Markup("section") {
            Markup("h2") { "Run it again" }
            Markup("div", ["class": "card"]) {
                Markup("pre") { Markup("code") { shellCommand } }
            }
        }
    }

    private var footer: Markup {
        Markup("footer") {
            Markup("p") {
                "Written by Graft. One file, nothing to fetch: keep it beside the adapter."
            }
        }
    }

    private static func dateText(_ date: Date) -> String {
        let style = Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .gmt)
            .year().month().day().dateSeparator(.dash)
            .time(includingFractionalSeconds: false).timeSeparator(.colon)
        return date.formatted(style) + " UTC"
    }
}

extension RunReport {
    /// The command quoted for a POSIX shell, with a line for each option.
    package var shellCommand: String {
        command.enumerated().map { index, argument in
            let quoted = Self.quoted(argument)
            guard index > 0 else { return quoted }
            return (argument.hasPrefix("--") ? " \\\n    " : " ") + quoted
        }.joined()
    }

    private static func quoted(_ argument: String) -> String {
        let plain = argument.unicodeScalars.allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar) || "-_./:=+,@%".unicodeScalars.contains(scalar)
        }
        if plain, !argument.isEmpty { return argument }
        return "'" + argument.replacing("'", with: #"'\''"#) + "'"
    }
}
