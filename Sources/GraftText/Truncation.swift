/// How many tokens of two texts remain under a limit, taking from the longer first.
///
/// Reference: `longest_first` in `utils/truncation.rs` of `tokenizers`. If both texts are longer than half
/// of the limit, each gets half, and an odd token goes to the longer one.
enum Truncation {
    /// Returns how many tokens to keep of texts with `first` and `second` tokens.
    static func longestFirst(_ first: Int, _ second: Int, limit: Int) -> (first: Int, second: Int) {
        guard first + second > limit else { return (first, second) }
        let shorter = min(first, second)
        var kept = (shorter: shorter, longer: max(shorter, limit - shorter))
        if kept.shorter + kept.longer > limit {
            kept = (limit / 2, limit / 2 + limit % 2)
        }
        return first > second ? (kept.longer, kept.shorter) : (kept.shorter, kept.longer)
    }
}
