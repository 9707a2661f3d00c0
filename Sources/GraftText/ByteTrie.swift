/// A map from byte strings to numbers that finds all keys which start at a place of a text in one walk.
///
/// The edges of all nodes live in one open-addressing hash table, keyed by node and byte. That is not
/// the smallest trie, but it is built in a few milliseconds for a vocabulary of 30,000 tokens, where a
/// double array takes far longer, and a step costs one probe.
///
/// Keys are bytes on purpose: Swift's `String` takes canonically equivalent spellings for equal, and
/// vocabularies do not.
struct ByteTrie: Sendable {
    /// The number of a node, of which no edge leads to the root.
    typealias Node = UInt32

    static let root: Node = 0

    /// Nodes are numbered in 24 bits, so that node and byte fit the 32 bits of an edge's key.
    private static let nodeLimit = 1 << 24

    private var edges: [UInt64]  // key << 32 | target; 0 = free, as no edge leads to the root
    private var values: [Int32] = [-1]  // by node, -1 = no key ends here

    /// Creates an empty trie.
    ///
    /// - Parameter capacity: The expected number of nodes.
    init(capacity: Int = 16) {
        var slots = 32
        while slots < capacity * 2 { slots *= 2 }
        edges = [UInt64](repeating: 0, count: slots)
        values.reserveCapacity(capacity)
    }

    /// Whether there is no key.
    var isEmpty: Bool { values.count == 1 }

    /// Gives `key` a value, and returns the value that it had before.
    @discardableResult
    mutating func insert(_ key: some Sequence<UInt8>, value: Int32) -> Int32? {
        precondition(value >= 0, "a value of a trie is not negative")
        var node = Self.root
        for byte in key {
            let next = child(of: node, byte)
            node = next != Self.root ? next : addChild(of: node, byte)
        }
        let old = values[Int(node)]
        values[Int(node)] = value
        return old < 0 ? nil : old
    }

    /// The node that `byte` leads to, or the root if there is no such edge.
    @inline(__always)
    func child(of node: Node, _ byte: UInt8) -> Node {
        let key = node << 8 | Node(byte)
        let mask = edges.count - 1
        var slot = Self.slot(of: key) & mask
        while true {
            let edge = edges[slot]
            if edge == 0 { return Self.root }
            if UInt32(truncatingIfNeeded: edge >> 32) == key {
                return Node(truncatingIfNeeded: edge)
            }
            slot = (slot + 1) & mask
        }
    }

    /// The value of the key that ends at `node`, or -1.
    @inline(__always)
    func value(at node: Node) -> Int32 { values[Int(node)] }

    /// The node that the bytes of `key` lead to, if any key starts with them.
    func node(of key: some Sequence<UInt8>) -> Node? {
        var node = Self.root
        for byte in key {
            node = child(of: node, byte)
            if node == Self.root { return nil }
        }
        return node
    }

    /// The value of `key`, if it is one.
    func value(of key: some Sequence<UInt8>) -> Int32? {
        guard let node = node(of: key) else { return nil }
        let value = values[Int(node)]
        return value < 0 ? nil : value
    }

    private mutating func addChild(of node: Node, _ byte: UInt8) -> Node {
        precondition(values.count < Self.nodeLimit, "a trie has at most 2^24 nodes")
        if values.count * 2 > edges.count { grow() }
        let target = Node(values.count)
        values.append(-1)
        let key = node << 8 | Node(byte)
        Self.place(UInt64(key) << 32 | UInt64(target), in: &edges)
        return target
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: edges.count * 2)
        for edge in edges where edge != 0 { Self.place(edge, in: &larger) }
        edges = larger
    }

    private static func place(_ edge: UInt64, in edges: inout [UInt64]) {
        let mask = edges.count - 1
        var slot = slot(of: UInt32(truncatingIfNeeded: edge >> 32)) & mask
        while edges[slot] != 0 { slot = (slot + 1) & mask }
        edges[slot] = edge
    }

    /// Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
    @inline(__always)
    private static func slot(of key: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(key) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }
}
