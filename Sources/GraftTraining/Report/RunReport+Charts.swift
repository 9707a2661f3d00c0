extension RunReport {
    /// The curves over steps and epochs.
    var learning: [Markup] {
        var charts: [(chart: LineChart, identifier: String)] = []
        if !steps.isEmpty { charts.append((lossChart, "loss")) }
        for (index, chart) in metricCharts.enumerated() {
            charts.append((chart, "metrics\(index)"))
        }
        if steps.count > 1 { charts.append((learningRateChart, "learning-rate")) }
        if steps.count(where: { $0.gradientNorm != nil }) > 1 {
            charts.append((gradientChart, "gradient-norm"))
        }
        let cards = charts.map { $0.chart.figure(identifier: $0.identifier) }
        return cards + (epochs.isEmpty ? [] : [epochTable])
    }

    private var epochMarks: [LineChart.Mark] {
        epochs.map { LineChart.Mark(Double($0.step), "\($0.number)") }
    }

    private var lossChart: LineChart {
        let points = steps.map { LineChart.Point(Double($0.number), $0.loss) }
        var series = [LineChart.Series("training loss, each logged step", points, look: .faint)]
        if points.count >= 10 {
            let window = max(3, points.count / 25)
            series.append(
                LineChart.Series("training loss, smoothed", points.smoothed(window: window))
            )
        } else {
            series = [LineChart.Series("training loss", points, look: .dotted)]
        }
        let evaluated = epochs.compactMap { epoch in
            epoch["loss"].map { LineChart.Point(Double(epoch.step), $0) }
        }
        if !evaluated.isEmpty {
            series.append(LineChart.Series("evaluation loss", evaluated, look: .dotted, color: 1))
        }
        var chart = LineChart(title: "Loss", axis: "step", series: series)
        chart.positions = epochMarks
        return chart
    }

    /// One chart for the metrics that are shares or correlations, one for each of the others.
    private var metricCharts: [LineChart] {
        var names: [String] = []
        for name in epochs.flatMap(\.metrics).map(\.name)
        where name != "loss" && !names.contains(name) {
            names.append(name)
        }
        let values = { (name: String) in epochs.compactMap { $0[name] } }
        let bounded = names.filter { values($0).allSatisfy { !$0.isFinite || $0.magnitude <= 1 } }
        let groups =
            (bounded.isEmpty ? [] : [bounded]) + names.filter { !bounded.contains($0) }.map { [$0] }
        return groups.map { group in
            let series = group.enumerated().map { color, name in
                LineChart.Series(name, points(of: name), look: .dotted, color: color)
            }
            var chart = LineChart(
                title: group.count == 1 ? group[0] : "Evaluation metrics",
                axis: "epoch",
                series: series
            )
            if group.contains(primaryMetric) {
                if let majorityBaseline {
                    chart.levels = [LineChart.Mark(majorityBaseline, "majority class")]
                }
                let best = epochs.first { $0.number == bestEpoch }
                if let best, let value = best[primaryMetric] {
                    chart.highlight = (
                        LineChart.Point(Double(best.number), value), "best \(Figures.score(value))"
                    )
                }
            }
            return chart
        }
    }

    private func points(of metric: String) -> [LineChart.Point] {
        epochs.compactMap { epoch in
            epoch[metric].map { LineChart.Point(Double(epoch.number), $0) }
        }
    }

    private var learningRateChart: LineChart {
        var chart = LineChart(
            title: "Learning rate",
            axis: "step",
            series: [
                LineChart.Series(
                    "learning rate",
                    steps.map { LineChart.Point(Double($0.number), $0.learningRate) }
                )
            ]
        )
        chart.includesZero = true
        chart.height = 180
        return chart
    }

    private var gradientChart: LineChart {
        let points = steps.compactMap { step in
            step.gradientNorm.map { LineChart.Point(Double(step.number), $0) }
        }
        var chart = LineChart(
            title: "Gradient norm before clipping",
            axis: "step",
            series: [
                LineChart.Series("gradient norm", points, look: .faint),
                LineChart.Series("smoothed", points.smoothed(window: max(3, points.count / 25))),
            ]
        )
        chart.height = 180
        return chart
    }

    /// Where the trained parameters sit: a bar per layer, a segment per site.
    var siteChart: BarChart? {
        guard !parameters.sites.isEmpty else { return nil }
        var layers: [Int?] = []
        for site in parameters.sites where !layers.contains(site.layer) {
            layers.append(site.layer)
        }
        var bars = layers.map { layer in
            let sites = parameters.sites.filter { $0.layer == layer }
            return BarChart.Bar(
                layer.map { "layer \($0)" } ?? "outside layers",
                sites.map { BarChart.Segment($0.path, Double($0.parameters)) },
                text: Figures.count(sites.reduce(0) { $0 + $1.parameters })
            )
        }
        if parameters.head > 0 {
            bars.append(
                BarChart.Bar(
                    "head",
                    [BarChart.Segment("head", Double(parameters.head))],
                    text: Figures.count(parameters.head)
                )
            )
        }
        return BarChart(title: "Trained parameters by layer and site", bars: bars)
    }

    /// Gold against predicted labels; a cell's strength is its share of the row.
    func heatMap(_ confusion: ConfusionMatrix) -> HeatMap {
        let shares = confusion.rowShares
        let cells = confusion.names.indices.map { gold in
            confusion.names.indices.map { predicted in
                let (count, share) = (confusion.counts[gold][predicted], shares[gold][predicted])
                return HeatMap.Cell(
                    share: share,
                    text: Figures.count(count),
                    detail: count > 0 ? Figures.percent(share) : ""
                )
            }
        }
        return HeatMap(
            title: "Confusion matrix, with shares of the gold label",
            rows: confusion.names,
            columns: confusion.names,
            cells: cells,
            rowAxis: "gold",
            columnAxis: "predicted",
            marksDiagonal: true,
            summary: "\(confusion.correct) of \(confusion.total) predictions are right, over "
                + "\(confusion.names.count) labels."
        )
    }

    /// The mean attention weights of a fusion: a row a site, a column an adapter.
    func heatMap(_ fusion: FusionWeights) -> HeatMap {
        let cells = fusion.sites.map { site in
            site.weights.map { HeatMap.Cell(share: $0, text: Figures.share($0)) }
        }
        let summary = fusion.sites.map { site in
            let most = site.weights.indices.max { site.weights[$0] < site.weights[$1] } ?? 0
            let name = most < fusion.adapters.count ? fusion.adapters[most] : ""
            return "\(site.name): most to \(name)."
        }
        return HeatMap(
            title: "Mean attention weight of each fused adapter, over all tokens",
            rows: fusion.sites.map(\.name),
            columns: fusion.adapters,
            cells: cells,
            rowAxis: "site",
            columnAxis: "adapter",
            summary: summary.joined(separator: " ")
        )
    }
}
