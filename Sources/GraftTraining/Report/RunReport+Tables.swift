extension RunReport {
    /// Every metric of every evaluation, the kept epoch standing out.
    var epochTable: Markup {
        var names: [String] = []
        for name in epochs.flatMap(\.metrics).map(\.name) where !names.contains(name) {
            names.append(name)
        }
        return HTMLTable(
            "Evaluation after each epoch",
            columns: ([("epoch")] + ["step"] + names).map { HTMLTable.Column($0, isNumber: true) },
            rows: epochs.map { epoch in
                ["\(epoch.number)", Figures.count(epoch.step)]
                    + names.map { epoch[$0].map(Figures.score) ?? "" }
            },
            best: epochs.firstIndex { $0.number == bestEpoch }
        ).card(class: "card wide")
    }

    /// What the kept weights can do, and where they fail.
    var result: [Markup] {
        var cards: [Markup] = []
        if !metrics.isEmpty {
            var rows = metrics.map { (name: $0.name, value: Figures.score($0.value)) }
            if let majorityBaseline {
                rows.append(
                    (
                        name: "\(primaryMetric) of majority class",
                        value: Figures.score(majorityBaseline)
                    )
                )
            }
            cards.append(HTMLTable("Final metrics", entries: rows, areNumbers: true).card())
        }
        if let confusion, !confusion.names.isEmpty {
            let map = heatMap(confusion)
            let confusions = confusion.names.count > 2 ? confusion.confusions(limit: 10) : []
            let table = confusions.isEmpty ? [] : [confusionTable(confusions)]
            if map.isCompact {
                cards += table + [map.figure(identifier: "confusion", class: "card wide")]
            } else {
                let style = table.isEmpty ? "card" : "card tall"
                cards += [map.figure(identifier: "confusion", class: style)] + table
            }
        }
        if let fusion, !fusion.sites.isEmpty {
            cards.append(
                heatMap(fusion).figure(identifier: "fusion", class: "card wide")
            )
        }
        if !mistakes.isEmpty { cards.append(mistakeTable) }
        return cards
    }

    private func confusionTable(_ confusions: [ConfusionMatrix.Confusion]) -> Markup {
        HTMLTable(
            "Most frequent confusions",
            columns: [
                .init("gold"), .init("predicted"), .init("rows", isNumber: true),
                .init("of gold", isNumber: true),
            ],
            rows: confusions.map {
                [$0.gold, $0.predicted, Figures.count($0.count), Figures.percent($0.share)]
            }
        ).card()
    }

    private var mistakeTable: Markup {
        HTMLTable(
            "Wrong predictions of which the model was most confident",
            columns: [
                .prose("text"), .init("gold"), .init("predicted"), .init("score", isNumber: true),
            ],
            rows: mistakes.map { [$0.text, $0.gold, $0.predicted, Figures.score($0.score)] }
        ).card(class: "card wide")
    }

    /// How much is trained, and where.
    var parameterCards: [Markup] {
        var cards: [Markup] = []
        if parameters.total > 0 {
            let counts = [
                ("trainable", parameters.trainable), ("in adapters", parameters.adapter),
                ("in the head", parameters.head), ("total", parameters.total),
            ]
            cards.append(
                HTMLTable(
                    "Parameter counts",
                    columns: [
                        .init(""), .init("parameters", isNumber: true),
                        .init("share", isNumber: true),
                    ],
                    rows: counts.map { name, count in
                        [
                            name, Figures.count(count),
                            Figures.percent(Double(count) / Double(parameters.total)),
                        ]
                    }
                ).card()
            )
        }
        if let siteChart { cards.append(siteChart.figure(identifier: "sites")) }
        return cards
    }

    /// What was read.
    var dataCards: [Markup] {
        var cards: [Markup] = []
        if !data.isEmpty {
            cards.append(
                HTMLTable(
                    "Files",
                    columns: [.init("for"), .init("path"), .init("rows", isNumber: true)],
                    rows: data.map { [$0.role, $0.path, Figures.count($0.rows)] }
                ).card()
            )
        }
        if !labels.isEmpty { cards.append(labelCard) }
        return cards
    }

    private var labelCard: Markup {
        let evaluated = labels.contains { $0.evalRows != nil }
        return Markup("figure", ["class": labels.count > HeatMap.mostLabels ? "card wide" : "card"])
        {
            Markup("figcaption") {
                "Labels with their rows in training" + (evaluated ? " / evaluation" : "")
            }
            Markup("ul", ["class": "counts"]) {
                for label in labels {
                    Markup("li") {
                        Markup("span") { label.name }
                        Markup("span", ["class": "number"]) {
                            Figures.count(label.trainRows)
                                + (evaluated ? " / \(Figures.count(label.evalRows ?? 0))" : "")
                        }
                    }
                }
            }
        }
    }

    /// What was set, what it ran on, and how fast.
    var settingCards: [Markup] {
        let tables: [(caption: String, entries: [(name: String, value: String)])] = [
            ("Method \(method.description)", pairs(method.configuration)),
            ("Training", pairs(settings)),
            ("Model", modelEntries),
            ("Speed", speedEntries),
            ("Versions", pairs(versions)),
        ]
        return tables.filter { !$0.entries.isEmpty }.map {
            HTMLTable($0.caption, entries: $0.entries).card()
        }
    }

    private func pairs(_ entries: [Entry]) -> [(name: String, value: String)] {
        entries.map { (name: $0.name, value: $0.value) }
    }

    private var modelEntries: [(name: String, value: String)] {
        [
            ("name", model.name), ("family", model.family), ("layers", Figures.count(model.layers)),
            ("hidden size", Figures.count(model.hiddenSize)),
            ("parameters", Figures.count(model.parameters)), ("content hash", model.contentHash),
        ]
    }

    private var speedEntries: [(name: String, value: String)] {
        let measured: [(name: String, value: String?)] = [
            ("training examples/s", speed.examplesPerSecond.map(Figures.measure)),
            ("training tokens/s", speed.tokensPerSecond.map(Figures.measure)),
            ("evaluation examples/s", speed.evalExamplesPerSecond.map(Figures.measure)),
            ("until the first step", speed.readySeconds.map(Figures.duration)),
            ("in training steps", speed.trainSeconds.map(Figures.duration)),
            ("whole run", duration > 0 ? Figures.duration(duration) : nil),
        ]
        return measured.compactMap { name, value in value.map { (name: name, value: $0) } }
    }
}
