/// Puts bytes in place of the letters that spell them.
///
/// Bytes that are not UTF-8 become replacement characters. A token with any other letter stands for itself.
///
/// Reference: `decode_chain` in `pre_tokenizers/byte_level.rs` of `tokenizers`.
struct ByteLevelDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var bytes: [UInt8] = []
        for token in tokens {
            let start = bytes.count
            for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
                guard let byte = ByteAlphabet.byte(of: scalar) else {
                    bytes.replaceSubrange(start..., with: token)
                    break
                }
                bytes.append(byte)
            }
        }
        return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    }
}
