public import GraftTorch

/// Parameters of which some exist and stay as they are, while another source gives the rest.
///
/// This is how one part of a thing is trained on top of others that were trained before.
public struct CompletedParameters: ParameterSource {
    private let stored: StoredParameters
    private let rest: any ParameterSource

    /// Combines two sources.
    ///
    /// - Parameters:
    ///   - stored: What exists; whatever it has, it gives.
    ///   - rest: Who is asked for everything else.
    public init(_ stored: StoredParameters, by rest: any ParameterSource) {
        self.stored = stored
        self.rest = rest
    }

    public func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let source: any ParameterSource = stored.contains(name) ? stored : rest
        return try source.parameter(name, shape: shape, initial: initial)
    }

    public func contains(_ name: String) -> Bool { stored.contains(name) || rest.contains(name) }
}
