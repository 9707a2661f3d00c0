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

/// Matrices and embeddings start as N(0, 0.02²), as those of most families do, T5's as T5's do; norms are 1 and biases 0.
final class RandomWeights: ParameterSource {
    let tensors = Mutex<[String: Tensor]>([:])
    /// The width of a head, if the model is a T5, which scales its queries' start instead of its scores.
    private let t5HeadSize: Double?

    init(t5HeadSize: Int?) {
        self.t5HeadSize = t5HeadSize.map(Double.init)
    }

    /// Reference for T5: `transformers` 4.57.6, `models/t5/modeling_t5.py`, `_init_weights`.
    private func deviation(_ name: String, _ shape: [Int]) -> Double {
        guard let t5HeadSize, !name.contains("relative_attention_bias") else { return 0.02 }
        let fanIn = Double(shape[shape.count - 1])
        if name == "shared.weight" { return 1 }
        return 1 / (name.hasSuffix(".q.weight") ? fanIn * t5HeadSize : fanIn).squareRoot()
    }

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
                try Generator(seed: seed).normal(shape, mean: 0, deviation: deviation(name, shape))
            }
        tensors.withLock { $0[name] = value }
        return value
    }

    func contains(_ name: String) -> Bool { !name.hasPrefix("pooler") }
}

/// What `config.json` says of the starts.
struct ModelFacts: Decodable {
    let modelType: String
    let headSize: Int?

    private enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case headSize = "d_kv"
    }
}

let folder = CommandLine.arguments[1]
let configuration = try ConfigurationFile(path: folder + "/config.json")
let family = try ModelRegistry.builtin.family(of: configuration)
let facts = try configuration.decode(ModelFacts.self)
let isT5 = ["t5", "mt5"].contains(facts.modelType)
let weights = RandomWeights(t5HeadSize: isT5 ? facts.headSize ?? 64 : nil)
_ = try family.init(configuration, ParameterScope(weights))
let tensors = weights.tensors.withLock(\.self)
try TensorFile(tensors, metadata: ["format": "pt"]).write(to: folder + "/model.safetensors")
print("\(folder): \(tensors.values.reduce(0) { $0 + $1.count }) parameters")
