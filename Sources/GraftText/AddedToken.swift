/// A token that is found in text as it stands, before the model sees it.
struct AddedToken: Sendable, Hashable {
    var id: Int32
    var content: String

    /// Whether decoding may leave it out.
    var isSpecial = true

    /// Whether it is looked for in normalized text, and normalized itself.
    var isNormalized = false

    /// Whether it must not touch a letter or digit on either side.
    var isSingleWord = false

    /// Whether it takes the white space before it.
    var stripsLeft = false

    /// Whether it takes the white space after it.
    var stripsRight = false
}
