// Writes random weights into the folder of a model's config.json: a stand-in where no pretrained model is at hand, to be
// trained with `graft train --method full` first.
//
//     swift run -c release RandomModel models/vit
//
// Tokenizer and preprocessor files are taken as they lie there.
import Foundation
import GraftFormats
import GraftLayers
import GraftModels
import GraftTorch
import Synchronization

/// Matrices and embeddings start as N(0, 0.02²), as those of most families do; norms are 1 and biases 0.
final class RandomWeights: ParameterSource {
    let tensors = Mutex<[String: Tensor]>([:])

    func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let seed = name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }
        let value =
            if name.hasSuffix("bias") {
                try Tensor(zeros: shape)
            } else if name == "logit_scale" {
                // ln(1 / 0.07), as CLIP starts.
                try Tensor(repeating: 2.6592, shape: shape)
            } else if shape.count == 1, name.hasSuffix("weight") {
                try Tensor(repeating: 1, shape: shape)
            } else {
                try Generator(seed: seed).normal(shape, mean: 0, deviation: 0.02)
            }
        tensors.withLock { $0[name] = value }
        return value
    }

    func contains(_ name: String) -> Bool { !name.hasPrefix("pooler") }
}

let folder = CommandLine.arguments[1]
let configuration = try ConfigurationFile(path: folder + "/config.json")
let family = try ModelRegistry.builtin.family(of: configuration)
let weights = RandomWeights()
_ = try family.init(configuration, ParameterScope(weights))
let tensors = weights.tensors.withLock(\.self)
try TensorFile(tensors, metadata: ["format": "pt"]).write(to: folder + "/model.safetensors")
print("\(folder): \(tensors.values.reduce(0) { $0 + $1.count }) parameters")
