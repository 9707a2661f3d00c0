internal import Foundation
internal import GraftModels

/// The tiny models of a family that Graft knows: the folders `Tests/Fixtures/<model type>/<shape>`.
///
/// Suites that hold for every family run over ``all``, so that a new family joins them with its fixtures
/// alone: at least two shapes of the first of its model types.
package struct TinyFamily: Sendable, CustomStringConvertible {
    /// The first of the family's model types.
    package let name: String
    /// Folders with a model and `expected.safetensors`, of all its model types: `roberta/h12`.
    package let shapes: [String]
    /// Whether a token sees only those before it.
    package let isCausal: Bool

    /// Every family that comes with Graft and whose models are one tower.
    package static let all = ModelRegistry.builtin.families.filter { $0 is any Tower.Type }.map {
        family in
        TinyFamily(
            name: family.modelTypes[0],
            shapes: family.modelTypes.flatMap(TinyFamily.shapes),
            isCausal: family is any LanguageModel.Type
        )
    }

    /// Those of ``all`` whose tokens see each other both ways.
    package static let encoders = all.filter { !$0.isCausal }

    /// The shape that stands for the family.
    package var model: String {
        get throws {
            guard let model = shapes.first else {
                throw MissingFixturePart(name: name, key: "model.safetensors")
            }
            return model
        }
    }

    package var description: String { name }

    private static func shapes(of modelType: String) -> [String] {
        let folder = Fixture.folder.appending(path: modelType)
        let names = try? FileManager.default.contentsOfDirectory(
            atPath: folder.path(percentEncoded: false)
        )
        return (names ?? []).sorted().map { modelType + "/" + $0 }.filter { name in
            let file = Fixture.folder.appending(path: name + "/expected.safetensors")
            return FileManager.default.fileExists(atPath: file.path(percentEncoded: false))
        }
    }
}
