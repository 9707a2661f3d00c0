public import GraftLayers

/// How tokens are chosen, and when a row ends.
public struct GenerationOptions: Sendable, Hashable {
    /// The most tokens that are written.
    public var maxNewTokens = 128
    /// What scores are divided by before one token is drawn; at 0 the likeliest is taken.
    public var temperature = 0.0
    /// Of how many of the likeliest tokens one is drawn; `nil` for all.
    public var topK: Int?
    /// The share of probability that the likeliest tokens, of which one is drawn, have together; `nil` for all.
    public var topP: Double?
    /// What scores of tokens that are there already are divided by (or, below zero, multiplied with).
    public var repetitionPenalty = 1.0
    /// The sequences that a search keeps; 1 for no search.
    public var beams = 1
    /// The power of its length that a finished sequence's score is divided by, in a search.
    public var lengthPenalty = 1.0
    /// What draws.
    public var seed: UInt64 = 0
    /// The tokens that end a row.
    public var endTokens: Set<Int32> = []

    /// The likeliest token each time, up to 128 of them.
    public init() {}

    /// Confirms that the options can be used.
    ///
    /// - Throws: `ConfigurationError` naming the first that cannot.
    public func check() throws(ConfigurationError) {
        func refuse(_ field: String, _ problem: String) -> ConfigurationError {
            ConfigurationError(field: field, problem: problem)
        }
        guard maxNewTokens > 0 else {
            throw refuse("max_new_tokens", "must be positive, found \(maxNewTokens)")
        }
        // Below a thousandth, the likeliest token is all that is drawn, until scores overflow.
        guard temperature == 0 || (temperature >= 1e-3 && temperature.isFinite) else {
            throw refuse("temperature", "must be 0 or at least 0.001, found \(temperature)")
        }
        guard lengthPenalty.isFinite, lengthPenalty.magnitude <= 100 else {
            throw refuse("length_penalty", "must be from -100 to 100, found \(lengthPenalty)")
        }
        if let topK, topK < 1 { throw refuse("top_k", "must be positive, found \(topK)") }
        if let topP, !(topP > 0 && topP <= 1) {
            throw refuse("top_p", "must be above 0 and at most 1, found \(topP)")
        }
        guard repetitionPenalty > 0, repetitionPenalty.isFinite else {
            throw refuse("repetition_penalty", "must be positive, found \(repetitionPenalty)")
        }
        guard beams > 0 else { throw refuse("beams", "must be positive, found \(beams)") }
        guard temperature > 0 || (topK == nil && topP == nil) else {
            throw refuse(
                topK == nil ? "top_p" : "top_k",
                "goes with a temperature: at 0 the likeliest token is taken"
            )
        }
        guard beams == 1 || temperature == 0 else {
            throw refuse("beams", "a search draws nothing (hint: temperature 0)")
        }
    }
}
