/// The tokens of one text while they are found.
struct TokenBuffer {
    private(set) var ids: [Int32] = []
    private(set) var offsets: [Range<Int>] = []
    private(set) var wordIDs: [Int32?] = []

    let tracksSource: Bool

    /// How many tokens are wanted; the search stops once there are so many.
    let limit: Int

    /// The word that tokens are counted to.
    var word: Int32 = 0

    init(tracksSource: Bool, limit: Int = .max) {
        self.tracksSource = tracksSource
        self.limit = limit
    }

    var isFull: Bool { ids.count >= limit }

    mutating func reserve(_ count: Int) {
        let count = min(count, limit)
        ids.reserveCapacity(count)
        guard tracksSource else { return }
        offsets.reserveCapacity(count)
        wordIDs.reserveCapacity(count)
    }

    @inline(__always)
    mutating func append(_ id: Int32, from source: @autoclosure () -> Range<Int>) {
        ids.append(id)
        guard tracksSource else { return }
        offsets.append(source())
        wordIDs.append(word)
    }
}
