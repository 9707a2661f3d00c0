extension String {
    /// The parts of a list with commas, without white space around them.
    var commaSeparated: [String] {
        split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(
                part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
            )
        }
    }
}
