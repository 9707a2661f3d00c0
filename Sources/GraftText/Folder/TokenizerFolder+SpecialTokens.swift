extension TokenizerFolder {
    /// The token that ends a text, as `eos_token` in `tokenizer_config.json` or `special_tokens_map.json` says.
    ///
    /// - Returns: Its spelling; `nil` if no file names one.
    /// - Throws: ``TokenizerError`` if a file cannot be read.
    public func endToken() throws(TokenizerError) -> String? {
        try TokenizerSettings(ModelFolder(url)).token("eos_token")
    }
}
