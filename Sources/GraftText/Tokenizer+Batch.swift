internal import Dispatch
internal import Synchronization

extension Tokenizer {
    /// Returns the tokens of many inputs, in their order, encoded on all cores.
    ///
    /// The calling thread takes part and blocks until all is done; results do not depend on the number
    /// of cores.
    public func encodeBatch(
        _ inputs: [TextInput],
        options: EncodingOptions = EncodingOptions()
    ) -> [Encoding] {
        // Small enough to even out long texts, large enough to make the hand-over negligible.
        let chunk = 64
        guard inputs.count > chunk else { return inputs.map { encode($0, options: options) } }
        let chunks = (inputs.count + chunk - 1) / chunk
        let results = Mutex([[Encoding]](repeating: [], count: chunks))
        DispatchQueue.concurrentPerform(iterations: chunks) { index in
            let rows = index * chunk..<min((index + 1) * chunk, inputs.count)
            let encodings = inputs[rows].map { encode($0, options: options) }
            results.withLock { $0[index] = encodings }
        }
        return results.withLock { Array($0.joined()) }
    }
}
