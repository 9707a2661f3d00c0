import Foundation
import GraftData
import Testing

@Suite struct LabelMapTests {
    private func rows(_ labels: [String]) throws -> Dataset {
        try dataset("text,label\n" + labels.map { "a,\($0)\n" }.joined(), .csv)
    }

    @Test func `whole numbers are sorted as numbers`() throws {
        let data = try rows(["10", "2", "-1", "2"])
        let labels = try LabelMap(of: data)
        #expect(labels.names == ["-1", "2", "10"])
        #expect(try data.classes(labels) == [2, 1, 0, 1])
        #expect(labels.number(of: "0") == nil)
    }

    @Test func `names are sorted as text`() throws {
        let data = try rows(["b", "10", "a", "B", "2"])
        #expect(try LabelMap(of: data).names == ["10", "2", "B", "a", "b"])
    }

    @Test func `names that differ in white space alone are refused`() throws {
        let data = try rows(["b", "a ", "a", "\tb"])
        #expect(
            complaint { () throws(DataError) in _ = try LabelMap(of: data) }
                == "label names: rows has classes that differ in white space alone: 'a' and 'a '"
                + " (hint: trim them)"
        )
        let both = try rows([" a", "b", "a "])
        #expect(
            complaint { () throws(DataError) in _ = try LabelMap(of: both) }?
                .contains("' a' and 'a '") == true
        )
    }

    @Test func `names may be given, and numbers then count them`() throws {
        let labels = try LabelMap(names: ["negative", "positive"])
        #expect(try rows(["1", "0", "positive"]).classes(labels) == [1, 0, 1])
        #expect(labels.number(of: "2") == nil)
        #expect(labels.number(of: "-1") == nil)
        #expect(labels.number(of: "01") == nil)
        let swapped = try LabelMap(names: ["1", "0"])
        #expect(try rows(["1", "0"]).classes(swapped) == [0, 1])
    }

    @Test func `an unknown label is named with file, line and the known ones`() throws {
        let labels = try LabelMap(names: ["no", "yes"])
        let data = try rows(["yes", "maybe", "no"])
        #expect(
            complaint { () throws(DataError) in _ = try data.classes(labels) }
                == "rows:3: the label 'maybe' is unknown; known are 'no', 'yes'"
        )
    }

    @Test func `tags and several labels become lists of numbers`() throws {
        let tagged = try dataset("tokens\ttags\na b\tB O\nc\tO\n", .tsv, .tagging)
        let labels = try LabelMap(of: tagged)
        #expect(labels.names == ["B", "O"])
        #expect(try tagged.classLists(labels) == [[0, 1], [1]])
        #expect(try tagged.classes(labels).isEmpty)

        let several = try dataset("text\tlabels\na\t\nb\tx,y\nc\t\nd\tz\n", .tsv, .multiLabel)
        #expect(try several.classLists(LabelMap(of: several)) == [[], [0, 1], [], [2]])
        let known = try LabelMap(names: ["x", "y"])
        #expect(
            complaint { () throws(DataError) in _ = try several.classLists(known) }
                == "rows:5: the label 'z' is unknown; known are 'x', 'y'"
        )
    }

    @Test func `names that cannot number classes`() throws {
        #expect(throws: DataError.labelNames(reason: "there are none")) { try LabelMap(names: []) }
        #expect(throws: DataError.labelNames(reason: "'a' appears twice")) {
            try LabelMap(names: ["a", "b", "a"])
        }
        #expect(throws: DataError.labelNames(reason: "name 1 is empty")) {
            try LabelMap(names: ["a", ""])
        }
        let unlabelled = try dataset("text\na\n", .csv, .unlabelled)
        #expect(throws: DataError.labelNames(reason: "rows has no rows with a class")) {
            try LabelMap(of: unlabelled)
        }
    }

    @Test func `a map is stored as its names`() throws {
        let labels = try LabelMap(names: ["b", "a"])
        let data = try JSONEncoder().encode(labels)
        #expect(String(decoding: data, as: UTF8.self) == #"["b","a"]"#)
        #expect(try JSONDecoder().decode(LabelMap.self, from: data) == labels)
        #expect(throws: DataError.self) {
            try JSONDecoder().decode(LabelMap.self, from: Data(#"["a","a"]"#.utf8))
        }
    }

    @Test func `a data set refuses several labels of one name in a row`() {
        #expect(
            complaint("text\tlabels\na\tx,x\n", .tsv, .multiLabel)
                == "rows:2: 'labels' names a class twice"
        )
    }
}
