public import ArgumentParser
public import GraftAdapters
public import GraftData
public import GraftModels
public import GraftTorch
public import GraftTraining

// The library's types that are options as they are: their raw values are what users write.

extension DataFormat: ExpressibleByArgument {}
extension Metric: ExpressibleByArgument {}
extension Pooling: ExpressibleByArgument {}
extension Schedule: ExpressibleByArgument {}
extension WeightArithmetic.Operation: ExpressibleByArgument {}
extension WeightArithmetic.SignElection: ExpressibleByArgument {}

extension HeadKind: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(rawValue: argument == "multi-label" ? "multilabel" : argument)
    }
}

extension Device: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
