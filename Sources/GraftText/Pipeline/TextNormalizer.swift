/// A step that changes text before it is cut into words.
protocol TextNormalizer: Sendable {
    /// Changes the text between two added tokens.
    func normalize(_ text: inout NormalizedText)
}

extension [any TextNormalizer] {
    func normalize(_ text: inout NormalizedText) {
        for step in self { step.normalize(&text) }
    }
}
