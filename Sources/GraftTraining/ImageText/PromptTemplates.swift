/// Sentences with a gap for the name of a class: what an image of the class might be captioned.
///
/// Several are an *ensemble*, whose embeddings are averaged.
public struct PromptTemplates: Sendable, Hashable {
    /// What the name takes the place of.
    public static let gap = "{}"
    /// One sentence that suits most photographs.
    public static let photo = PromptTemplates(unchecked: ["a photo of a {}."])

    /// The sentences.
    public let sentences: [String]

    /// Takes sentences.
    ///
    /// - Parameter sentences: One or more, each with `{}` in it.
    /// - Throws: ``TrainingError`` naming the one that has no gap.
    public init(_ sentences: [String]) throws(TrainingError) {
        guard !sentences.isEmpty else { throw .settings("there is no prompt template") }
        for sentence in sentences where !sentence.contains(PromptTemplates.gap) {
            throw .settings(
                "the template '\(sentence)' has no \(PromptTemplates.gap) for the name of a class"
                    + " (hint: 'a photo of a {}.')"
            )
        }
        self.init(unchecked: sentences)
    }

    private init(unchecked sentences: [String]) { self.sentences = sentences }

    /// The sentences about a class.
    public func prompts(for name: String) -> [String] {
        sentences.map { $0.replacing(PromptTemplates.gap, with: name) }
    }
}
