internal import GraftData
internal import GraftTorch
internal import GraftTraining

extension BenchReport {
    /// The report for programs: seconds, rows, tokens, operations and bytes per second.
    var json: JSONValue {
        let settings: [JSONValue.Member] = [
            .init("model", .string(workload.base.path)),
            .init("method", .string(command.method.name)),
            .init("trainable_parameters", .integer(workload.trainableCount)),
            .init("trunk_depth", .integer(workload.trunkDepth)),
            .init("data", source.path.map { .string($0) } ?? .null),
            .init("rows", .string(source.summary)),
            .init("batch", .integer(command.batch)),
            .init("max_length", .integer(maxLength)),
            .init("machine", machine),
            .init(
                "ceilings",
                .object([
                    .init("products_one_core", ceilings.oneCore.json),
                    .init("products", ceilings.allCores.json),
                    .init("memory_one_core", ceilings.oneCoreMemory.json),
                    .init("memory", ceilings.allCoresMemory.json),
                ])
            ),
            .init(
                "loading",
                .object([
                    .init("seconds", workload.load.json),
                    .init("weight_bytes", .integer(workload.weightBytes)),
                    .init("floor_seconds", loadFloor.json),
                    .init("share", loadFloor.divided(by: workload.load).json),
                ])
            ),
            .init(
                "tokenizing",
                .object([
                    .init("tokens_per_second_one_core", workload.oneCoreTokens.json),
                    .init("tokens_per_second", workload.allCoresTokens.json),
                    .init("by_training", tokenizerSupply.json),
                ])
            ),
        ]
        return .object(settings + comparisons.map { .init($0.name, $0.json) })
    }

    private var machine: JSONValue {
        .object([
            .init("cores", .integer(Workers.cores)),
            .init("workers", .integer(Workers(command.workers).count)),
            .init("vector_lanes", .integer(Torch.vectorLanes)),
            .init("load_average", others.loadAverage.map { .number($0) } ?? .null),
            .init("others_share", others.share.map { .number($0) } ?? .null),
            .init("is_quiet", .bool(others.isQuiet)),
        ])
    }
}

extension BenchReport.Comparison {
    fileprivate var json: JSONValue {
        .object([
            .init("rows", .integer(pass.rows.count)),
            .init("tokens", .integer(pass.rows.tokenCount)),
            .init("operations", .integer(pass.operations)),
            .init("seconds", pass.seconds.json),
            .init("rows_per_second", rows.json),
            .init("tokens_per_second", tokens.json),
            .init("floor_seconds", floor.json),
            .init("share", share.json),
        ])
    }
}
