/// A word while its symbols merge: a linked list of symbols, and the merges that may come next.
///
/// The merge of lowest rank is done first, the leftmost of equals. Candidates wait in a binary heap,
/// so that a word of `n` symbols takes `n log n` steps; those that another merge has overtaken are
/// recognised when their turn comes, by their rank.
///
/// Reference: Sennrich et al., [Neural Machine Translation of Rare Words with Subword
/// Units](https://arxiv.org/abs/1508.07909), section 3.2; `models/bpe/word.rs` of `tokenizers`.
struct MergeWorkspace {
    private struct Symbol {
        var id: Int32
        var start: Int32
        var end: Int32  // end == start: merged into the one before it
        var previous: Int32
        var next: Int32
    }

    private static let none: Int32 = -1

    private var symbols: [Symbol] = []
    private var heap: [UInt64] = []  // rank << 32 | index of the left symbol

    var isEmpty: Bool { symbols.isEmpty }

    /// Forgets the word.
    mutating func reset() {
        symbols.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
    }

    /// Adds a symbol that stands for the bytes of `range`, which must not be empty.
    @inline(__always)
    mutating func append(_ id: Int32, _ range: Range<Int>) {
        let index = Int32(truncatingIfNeeded: symbols.count)
        if index > 0 { symbols[Int(index) - 1].next = index }
        symbols.append(
            Symbol(
                id: id,
                start: Int32(truncatingIfNeeded: range.lowerBound),
                end: Int32(truncatingIfNeeded: range.upperBound),
                previous: index - 1,
                next: Self.none
            )
        )
    }

    /// Does all merges of `table`, and appends the symbols that remain.
    mutating func merge(with table: MergeTable, into pieces: inout [Piece]) {
        if symbols.count > 1 {
            for index in symbols.indices.dropLast() { consider(Int32(index), table) }
            while let top = popped() { merge(top, with: table) }
        }
        var index = symbols.isEmpty ? Self.none : 0
        while index != Self.none {
            let symbol = symbols[Int(index)]
            pieces.append(Piece(id: symbol.id, range: Int(symbol.start)..<Int(symbol.end)))
            index = symbol.next
        }
    }

    /// Puts the merge of a symbol with the next one on the heap, if there is one.
    @inline(__always)
    private mutating func consider(_ left: Int32, _ table: MergeTable) {
        let symbol = symbols[Int(left)]
        guard symbol.next != Self.none,
            let merge = table[symbol.id, symbols[Int(symbol.next)].id]
        else { return }
        push(UInt64(merge.rank) << 32 | UInt64(UInt32(bitPattern: left)))
    }

    private mutating func merge(_ candidate: UInt64, with table: MergeTable) {
        let index = Int(candidate & 0xFFFF_FFFF)
        let left = symbols[index]
        guard left.start < left.end, left.next != Self.none else { return }
        let right = symbols[Int(left.next)]
        guard let merge = table[left.id, right.id], UInt64(merge.rank) == candidate >> 32
        else { return }
        symbols[Int(left.next)].end = right.start
        symbols[index].id = merge.id
        symbols[index].end = right.end
        symbols[index].next = right.next
        if right.next != Self.none {
            symbols[Int(right.next)].previous = Int32(truncatingIfNeeded: index)
        }
        if left.previous != Self.none { consider(left.previous, table) }
        consider(Int32(truncatingIfNeeded: index), table)
    }

    private mutating func push(_ value: UInt64) {
        var index = heap.count
        heap.append(value)
        while index > 0 {
            let parent = (index - 1) / 2
            guard value < heap[parent] else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = value
    }

    private mutating func popped() -> UInt64? {
        guard let top = heap.first, let last = heap.popLast() else { return nil }
        let count = heap.count
        guard count > 0 else { return top }
        var index = 0
        while true {
            var child = index * 2 + 1
            guard child < count else { break }
            if child + 1 < count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < last else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = last
        return top
    }
}
