extension ComparisonReport {
    /// Returns the report as a page of one file, as that of a run is.
    public func html() -> String {
        HTMLPage(title: "\(title) · Graft comparison") {
            Markup("header") {
                Markup("h1") { title }
                Markup("p", ["class": "muted"]) {
                    "\(methods.count) methods on \(model.name), \(task). \(Figures.date(started))"
                    duration > 0 ? ", \(Figures.duration(duration))." : "."
                }
            }
            HTMLPage.warningBox(warnings + failures + memoryWarning)
            Markup("section", ["class": "tiles", "aria-label": "Headline figures"]) { tiles }
            HTMLPage.section("Methods", [table] + charts)
            HTMLPage.section("Scores", scoreCards)
            HTMLPage.section("Data and settings", settingCards)
            HTMLPage.reproduction(command)
            HTMLPage.footer(keeping: "the adapters")
        }.rendered()
    }

    private var failures: [String] {
        methods.flatMap { method in method.failures.map { "\(method.name), \($0)" } }
    }

    private var memoryWarning: [String] {
        separatesMemory
            ? [] : ["memory is the largest of the process so far: this system does not reset it"]
    }

    private var tiles: [Markup] {
        guard let best, let score = methods[best].spread(metric) else { return [] }
        var tiles = [
            HTMLPage.tile(
                "best \(metric.rawValue)",
                Figures.score(score.mean),
                methods[best].name,
                isFirst: true
            )
        ]
        let smallest = methods.filter { !$0.runs.isEmpty && $0.parameters != nil }
            .min { ($0.parameters?.trainable ?? 0) < ($1.parameters?.trainable ?? 0) }
        if let smallest, let count = smallest.parameters?.trainable,
            let score = smallest.spread(metric)
        {
            tiles.append(
                HTMLPage.tile(
                    "fewest trained parameters",
                    Figures.short(count),
                    "\(smallest.name): \(Figures.score(score.mean))"
                )
            )
        }
        let fastest = methods.filter { $0.secondsPerEpoch != nil }
            .min { ($0.secondsPerEpoch ?? 0) < ($1.secondsPerEpoch ?? 0) }
        if let fastest, let seconds = fastest.secondsPerEpoch {
            tiles.append(
                HTMLPage.tile("shortest epoch", Figures.duration(seconds), fastest.name)
            )
        }
        let leanest = methods.filter { $0.peakMemory != nil }
            .min { ($0.peakMemory ?? 0) < ($1.peakMemory ?? 0) }
        if let leanest, let memory = leanest.peakMemory {
            tiles.append(HTMLPage.tile("least memory", Figures.bytes(memory), leanest.name))
        }
        return tiles
    }

    private var table: Markup {
        HTMLTable(
            "Mean over seeds ± standard deviation"
                + (majorityBaseline.map { "; the majority class scores \(Figures.score($0))" }
                    ?? ""),
            columns: [
                .init("method"), .init(metric.rawValue, isNumber: true),
                .init("runs", isNumber: true), .init("trained parameters", isNumber: true),
                .init("of all", isNumber: true), .init("peak memory", isNumber: true),
                .init("an epoch", isNumber: true), .init("learning rate", isNumber: true),
            ],
            rows: methods.map { method in
                [
                    method.name, method.spread(metric).map(Figures.score) ?? "failed",
                    Figures.count(method.runs.count),
                    method.parameters.map { Figures.count($0.trainable) } ?? "",
                    method.trainableShare.map(Figures.percent) ?? "",
                    method.peakMemory.map(Figures.bytes) ?? "",
                    method.secondsPerEpoch.map(Figures.duration) ?? "",
                    String(method.learningRate),
                ]
            },
            best: best
        ).card(class: "card wide")
    }

    private var charts: [Markup] {
        let ended = methods.filter { !$0.runs.isEmpty }
        guard !ended.isEmpty else { return [] }
        var scatter = ScatterChart(
            title: "\(metric.rawValue) by trained parameters",
            xAxis: "trained parameters",
            yAxis: metric.rawValue,
            points: ended.compactMap { method in
                guard let score = method.spread(metric), let counts = method.parameters else {
                    return nil
                }
                return ScatterChart.Point(
                    method.name,
                    x: Double(counts.trainable),
                    y: score.mean,
                    deviation: score.deviation ?? 0
                )
            }
        )
        if let majorityBaseline { scatter.level = (majorityBaseline, "majority class") }
        let time = BarChart(
            title: "Seconds of training in an epoch",
            bars: ended.compactMap { method in
                method.secondsPerEpoch.map {
                    .init(method.name, [.init("seconds", $0)], text: Figures.duration($0))
                }
            }
        )
        let memory = BarChart(
            title: "Peak memory",
            bars: ended.compactMap { method in
                method.peakMemory.map {
                    .init(method.name, [.init("bytes", Double($0))], text: Figures.bytes($0))
                }
            }
        )
        return [scatter.figure(identifier: "scatter", class: "card wide")]
            + [(time, "time"), (memory, "memory")].filter { !$0.0.bars.isEmpty }
            .map { $0.0.figure(identifier: $0.1) }
    }

    /// Every metric of the task, and the score of every run.
    private var scoreCards: [Markup] {
        let ended = methods.filter { !$0.runs.isEmpty }
        let metrics = Metric.allCases.filter { metric in
            ended.contains { $0.spread(metric) != nil }
        }
        let seeds = ended.flatMap(\.runs).map(\.seed).reduce(into: [UInt64]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        guard !ended.isEmpty else { return [] }
        return [
            HTMLTable(
                "Every metric, mean ± standard deviation",
                columns: [.init("method")] + metrics.map { .init($0.rawValue, isNumber: true) },
                rows: ended.map { method in
                    [method.name] + metrics.map { method.spread($0).map(Figures.score) ?? "" }
                }
            ).card(class: "card wide"),
            HTMLTable(
                "\(metric.rawValue) of each run",
                columns: [.init("method")] + seeds.map { .init("seed \($0)", isNumber: true) },
                rows: ended.map { method in
                    [method.name]
                        + seeds.map { seed in
                            method.runs.first { $0.seed == seed }?.metrics[metric]
                                .map(Figures.score) ?? ""
                        }
                }
            ).card(),
        ]
    }

    private var settingCards: [Markup] {
        let tables: [(caption: String, entries: [RunReport.Entry])] = [
            (
                "Files",
                data.map { .init("\($0.role): \($0.path)", "\(Figures.count($0.rows)) rows") }
            ),
            ("Training", settings),
            (
                "Model",
                [
                    .init("name", model.name), .init("family", model.family),
                    .init("parameters", Figures.count(model.parameters)),
                    .init("content hash", model.contentHash),
                ]
            ),
            ("Versions", versions),
        ]
        return tables.filter { !$0.entries.isEmpty }.map { caption, entries in
            HTMLTable(caption, entries: entries.map { (name: $0.name, value: $0.value) }).card()
        }
    }
}
