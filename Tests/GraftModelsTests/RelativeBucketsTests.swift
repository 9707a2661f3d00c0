import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `transformers` 4.57.6; the fixture is made by `Tools/reference/t5.py`.
@Suite("Buckets of distances")
struct RelativeBucketsTests {
    @Test(arguments: [(32, 128), (8, 11), (12, 40)], ["encoder", "decoder"])
    func `every distance has the reference's bucket`(
        setting: (count: Int, farthest: Int),
        tower: String
    ) throws {
        let fixture = try Fixture("t5_buckets")
        let buckets = RelativeBuckets(
            count: setting.count,
            farthest: setting.farthest,
            isBidirectional: tower == "encoder"
        )
        let distances: [Int64] = try fixture["distances"].values()
        let expected: [Int64] = try fixture["\(tower).\(setting.count).\(setting.farthest)"]
            .values()
        #expect(distances.count == 301)
        #expect(distances.map { Int64(buckets(Int($0))) } == expected)
    }
}
