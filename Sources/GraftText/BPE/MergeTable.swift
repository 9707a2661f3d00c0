/// Which two neighbouring tokens merge into which, and how soon.
///
/// An open-addressing hash table, keyed by the ids of both tokens.
struct MergeTable: Sendable {
    /// The outcome of a merge.
    struct Merge: Sendable, Hashable {
        /// When it is done: the lowest rank of a word comes first.
        let rank: UInt32
        /// The token that takes the place of both.
        let id: Int32
    }

    private struct Slot {
        var key: UInt64
        var merge: Merge
    }

    private static let free = UInt64.max

    private var slots: [Slot]
    private(set) var count = 0

    /// Creates an empty table.
    ///
    /// - Parameter capacity: The expected number of merges.
    init(capacity: Int) {
        var size = 16
        while size * 3 < capacity * 4 { size *= 2 }
        slots = Self.empty(size)
    }

    /// The merge of two tokens.
    @inline(__always)
    subscript(left: Int32, right: Int32) -> Merge? {
        let key = Self.key(left, right)
        var index = Self.index(of: key) & (slots.count - 1)
        while true {
            let slot = slots[index]
            if slot.key == key { return slot.merge }
            if slot.key == Self.free { return nil }
            index = (index + 1) & (slots.count - 1)
        }
    }

    /// Adds a merge; of two for the same tokens the last counts.
    mutating func add(_ left: Int32, _ right: Int32, _ merge: Merge) {
        if count * 4 >= slots.count * 3 { grow() }
        if Self.place(Slot(key: Self.key(left, right), merge: merge), in: &slots) { count += 1 }
    }

    private mutating func grow() {
        var larger = Self.empty(slots.count * 2)
        for slot in slots where slot.key != Self.free { _ = Self.place(slot, in: &larger) }
        slots = larger
    }

    /// Returns whether the key is new.
    private static func place(_ slot: Slot, in slots: inout [Slot]) -> Bool {
        var index = index(of: slot.key) & (slots.count - 1)
        while slots[index].key != free, slots[index].key != slot.key {
            index = (index + 1) & (slots.count - 1)
        }
        let isNew = slots[index].key == free
        slots[index] = slot
        return isNew
    }

    private static func empty(_ size: Int) -> [Slot] {
        [Slot](repeating: Slot(key: free, merge: Merge(rank: 0, id: 0)), count: size)
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Fibonacci hashing; the product is folded, so that both ids reach the bits that are used.
    @inline(__always)
    private static func index(of key: UInt64) -> Int {
        let product = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product >> 32)
    }
}
