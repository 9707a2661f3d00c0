internal import Foundation

/// Properties of Unicode scalars in the versions that `tokenizers` 0.22 was built with.
///
/// See ``ScalarTraits`` for why versions differ. These functions are the slow, plain statement; text
/// is processed with the traits that are worked out from them once.
enum ReferenceUnicode {
    private static let categoryVersion = (major: 8, minor: 0)
    private static let normalizationVersion = (major: 9, minor: 0)
    private static let patternVersion = (major: 16, minor: 0)
    private static let lowercaseVersion = (major: 17, minor: 0)

    /// Category `Cc`, `Cf` or `Co` but for three kinds of white space; NUL; the replacement character.
    static func isUnclean(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": return false
        case "\0", "\u{FFFD}": return true
        default: break
        }
        guard exists(scalar, in: categoryVersion) else { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse: return true
        default: return false
        }
    }

    /// A `P` category, or one of the ASCII characters that are not letters, digits, space or controls.
    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": return true
        // Reclassified after Unicode 8: a symbol in 12, a mark in 11.
        case "\u{166D}", "\u{111C9}": return true
        default: break
        }
        guard exists(scalar, in: categoryVersion) else { return false }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }

    /// Category `Mn`.
    static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        // Marks in Unicode 8, spacing ones since.
        case "\u{1734}", "\u{1171E}": return true
        // Letters, a spacing mark and punctuation in Unicode 8, nonspacing marks since.
        case "\u{1885}", "\u{1886}", "\u{A9BD}", "\u{111C9}": return false
        default: break
        }
        return exists(scalar, in: categoryVersion)
            && scalar.properties.generalCategory == .nonspacingMark
    }

    /// An `M` category.
    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        // Punctuation until Unicode 11.
        case "\u{111C9}": return false
        // Letters from Unicode 12 on.
        case "\u{1CF2}", "\u{1CF3}": return true
        default: break
        }
        guard exists(scalar, in: normalizationVersion) else { return false }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return false
        }
    }

    /// The CJK blocks of BERT's first tokenizer.
    ///
    /// The gap before U+2B920 is the reference's.
    static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }

    /// The full canonical decomposition; the scalar itself if it has none.
    static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        guard scalar.value >= 0xC0, exists(scalar, in: normalizationVersion) else {
            return [scalar]
        }
        return Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// The full compatibility decomposition; the scalar itself if it has none.
    static func compatibleDecomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        guard scalar.value >= 0xA0, exists(scalar, in: normalizationVersion) else {
            return [scalar]
        }
        return Array(String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars)
    }

    /// The canonical composition of scalars.
    static func composition(of scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return Array(String(text).precomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// The canonical combining class.
    static func combiningClass(of scalar: Unicode.Scalar) -> UInt8 {
        guard exists(scalar, in: normalizationVersion) else { return 0 }
        return scalar.properties.canonicalCombiningClass.rawValue
    }

    /// The lower case outside any context: a final sigma is not told apart.
    static func lowercase(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar.value {
        // Letters of Unicode 17, which the standard library of Swift 6.3 does not know yet.
        case 0xA7CE, 0xA7D2, 0xA7D4: return [shifted(scalar, by: 1)]
        case 0x16EA0...0x16EB8: return [shifted(scalar, by: 27)]
        default: break
        }
        guard exists(scalar, in: lowercaseVersion) else { return [scalar] }
        return Array(scalar.properties.lowercaseMapping.unicodeScalars)
    }

    /// The class of a scalar in regular expressions.
    static func kind(of scalar: Unicode.Scalar) -> ScalarTraits.Kind {
        if scalar.properties.isWhitespace { return .whitespace }
        guard exists(scalar, in: patternVersion) else { return .other }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return .other
        }
    }

    private static func shifted(_ scalar: Unicode.Scalar, by distance: UInt32) -> Unicode.Scalar {
        Unicode.Scalar(scalar.value + distance) ?? scalar
    }

    private static func exists(
        _ scalar: Unicode.Scalar,
        in version: (major: Int, minor: Int)
    ) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return (age.major, age.minor) <= version
    }
}
