internal import Foundation

/// Joins word pieces into text.
///
/// Reference: `decoders/wordpiece.rs` of `tokenizers`. Clean-up works on each token with the space before
/// it, so that a pattern which spans two tokens is not found; this too is the reference's way.
struct WordPieceDecoder: Sendable, Hashable {
    /// What pieces that continue a word start with.
    var prefix = "##"

    /// Whether spaces before punctuation and English contractions are removed.
    var cleansUp = true

    private static let replacements = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]

    /// Returns the text of `tokens`.
    func decode(_ tokens: [String]) -> String {
        var text = ""
        for (index, token) in tokens.enumerated() {
            var part = token
            if index > 0 {
                let continues = token.utf8.starts(with: prefix.utf8)
                part =
                    continues ? String(token.utf8.dropFirst(prefix.utf8.count)) ?? "" : " " + token
            }
            if cleansUp {
                for (spaced, joined) in Self.replacements where part.utf8.count >= spaced.utf8.count
                {
                    part = part.replacingOccurrences(of: spaced, with: joined, options: .literal)
                }
            }
            text += part
        }
        return text
    }
}
