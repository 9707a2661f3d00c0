internal import GraftModels
internal import GraftTorch
internal import GraftTraining

extension BenchReport {
    /// The report for people.
    var text: String {
        let shape = workload.base.shape
        let rows = workload.training.rows
        let mean = Double(rows.tokenCount) / Double(rows.count)
        let longest = (0..<rows.count).map(rows.length).max() ?? 0
        let facts = Table(rows: [
            [
                "model",
                "\(workload.base.path): \(shape.layerCount) layers of \(shape.hiddenSize),"
                    + " \(Figures.short(workload.base.parameterCount)) parameters",
            ],
            [
                "method",
                "\(command.method.name): \(Figures.count(workload.trainableCount)) trained,"
                    + " \(workload.trunkDepth) blocks below",
            ],
            ["rows", source.summary],
            [
                "",
                "\(Figures.count(rows.count)) for training, \(Figures.measure(mean)) tokens on"
                    + " average, \(longest) at most, batch \(command.batch)",
            ],
            [
                "machine",
                "\(Workers.cores) cores, \(Workers(command.workers).count) workers,"
                    + " vectors of \(Torch.vectorLanes) floats",
            ],
            ["", others.text],
        ])
        return [facts.text, ceilingTable.text, speedTable.text].joined(separator: "\n\n")
    }

    private var ceilingTable: Table {
        func row(_ name: String, _ unit: String, _ one: Rounds, _ all: Rounds) -> [String] {
            [
                name, Figures.measure(one.median / 1e9), spread(one),
                Figures.measure(all.median / 1e9), spread(all), unit,
            ]
        }
        return Table(
            rows: [
                ["ceilings", "one core", "spread", "\(workerCount) workers", "spread", ""],
                row("matrix products", "GFLOP/s", ceilings.oneCore, ceilings.allCores),
                row("memory, reading", "GB/s", ceilings.oneCoreMemory, ceilings.allCoresMemory),
            ],
            rightAligned: [1, 2, 3, 4]
        )
    }

    private var speedTable: Table {
        let load = workload.load
        let bandwidth = Figures.measure(ceilings.allCoresMemory.median / 1e9)
        let need = comparisons[0].tokens
        let header = ["speeds", "median", "spread", "", "compared with", "reached"]
        let loading = [
            "loading", Figures.measure(load.median * 1000), spread(load), "ms",
            "\(Figures.measure(loadFloor.median * 1000)) ms: \(Figures.bytes(workload.weightBytes))"
                + " read once at \(bandwidth) GB/s",
            Figures.percent(loadFloor.divided(by: load).median),
        ]
        let tokenizing = [
            ("tokenizing, one core", workload.oneCoreTokens),
            ("tokenizing, all cores", workload.allCoresTokens),
        ].map { name, tokens in
            [
                name, Figures.measure(tokens.median), spread(tokens), "tokens/s",
                "\(Figures.measure(need.median)) tokens/s that training takes",
                Figures.measure(tokens.divided(by: need).median) + " x",
            ]
        }
        let passes = comparisons.map { comparison in
            [
                comparison.name, Figures.measure(comparison.rows.median), spread(comparison.rows),
                "rows/s",
                "\(Figures.measure(comparison.ceilingRows.median)) rows/s of the products alone"
                    + " (\(Figures.measure(comparison.operationsPerRow / 1e6)) MFLOP a row)",
                Figures.percent(comparison.share.median),
            ]
        }
        return Table(rows: [header, loading] + tokenizing + passes, rightAligned: [1, 2, 5])
    }

    private var workerCount: Int { Workers(command.workers).count }

    private func spread(_ rounds: Rounds) -> String { Figures.percent(rounds.spread) }
}

extension BenchReport.Comparison {
    /// Operations of the products of a row, on average.
    fileprivate var operationsPerRow: Double { Double(pass.operations) / Double(pass.rows.count) }
}
