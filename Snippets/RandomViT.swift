// Writes a ViT of 2.2 million random weights for pictures of 32 x 32: a stand-in where no pretrained model is at
// hand, to be trained with `--method full` first.
//
//     swift run -c release RandomViT models/vit-random
import Foundation
import GraftFormats
import GraftLayers
import GraftModels
import GraftTorch
import Synchronization

/// Starts as transformers starts a ViT: N(0, 0.02²), norms as they are without, biases zero.
final class RandomWeights: ParameterSource {
    let tensors = Mutex<[String: Tensor]>([:])

    func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
        let seed = name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }
        let value =
            if name.hasSuffix("bias") {
                try Tensor(zeros: shape)
            } else if shape.count == 1 {
                try Tensor(repeating: 1, shape: shape)
            } else {
                try Generator(seed: seed).normal(shape, mean: 0, deviation: 0.02)
            }
        tensors.withLock { $0[name] = value }
        return value
    }

    func contains(_ name: String) -> Bool { !name.hasPrefix("pooler") }
}

let configuration = """
    {
      "model_type": "vit", "hidden_size": 192, "num_hidden_layers": 5, "num_attention_heads": 3,
      "intermediate_size": 768, "image_size": 32, "patch_size": 4, "qkv_bias": true
    }
    """
let preprocessing = """
    {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
    """

let folder = CommandLine.arguments[1]
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
try Data(configuration.utf8).write(to: URL(filePath: folder + "/config.json"))
try Data(preprocessing.utf8).write(to: URL(filePath: folder + "/preprocessor_config.json"))
let weights = RandomWeights()
_ = try Vit(
    ConfigurationFile(path: folder + "/config.json"),
    ParameterScope(weights)
)
let tensors = weights.tensors.withLock(\.self)
try TensorFile(tensors, metadata: ["format": "pt"]).write(to: folder + "/model.safetensors")
print("\(folder): \(tensors.values.reduce(0) { $0 + $1.count }) parameters")
