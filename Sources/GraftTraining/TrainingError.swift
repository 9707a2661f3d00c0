public import GraftTorch

/// Something that stops training, evaluation or prediction, said in one line.
public enum TrainingError: Error, Sendable, Hashable {
    /// The loss, its gradient or a weight became infinite or NaN.
    case notFinite(step: Int, checkpoint: String?)
    /// A row, counted from 0, of which the model says nothing that is a number.
    case scoresNotFinite(row: Int)
    /// The run was asked to stop; its state was saved if a path is given.
    case interrupted(step: Int, checkpoint: String?)
    /// A method that acts at no site of the model with its settings.
    case nothingToTrain(method: String, family: String)
    case deviceUnavailable(Device)
    case missingTokenizer(String)
    case wrongBase(adapter: String, reason: String, hasSameShape: Bool)
    /// An adapter whose tensors are not those of its configuration.
    case wrongTensors(adapter: String, reason: String)
    /// Rows with one text for an adapter of pairs, or the reverse.
    case pairs(path: String, adapterReadsPairs: Bool)
    /// A resumed run differs from the one that was interrupted.
    case resume(path: String, reason: String)
    /// Settings that cannot be used together.
    case settings(String)
}

extension TrainingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFinite(let step, let checkpoint):
            let kept = checkpoint.map { "; the last good state is in \($0)" } ?? ""
            let anew = checkpoint == nil ? "" : ", with --overwrite"
            return "the loss, its gradient or a weight is not finite at step \(step)\(kept)"
                + " (hint: lower --learning-rate or set --max-grad-norm\(anew))"
        case .scoresNotFinite(let row):
            return
                "the scores of row \(row), counted from 0, are not finite (hint: the weights of the"
                + " adapter or of the model are damaged, or too large for --dtype)"
        case .interrupted(let step, let checkpoint):
            let kept =
                checkpoint.map { "; its state is in \($0) (hint: go on with --resume)" } ?? ""
            return "interrupted after step \(step)\(kept)"
        case .nothingToTrain("head", _):
            return
                "head: the model itself answers this task, so there is no head to train (hint: --method lora)"
        case .nothingToTrain("composition", _):
            return "composition: none of these adapters acts inside the model, they are heads alone"
        case .nothingToTrain(let method, let family):
            return "\(method): with these settings the method acts nowhere in this \(family) model"
                + " (hint: does leave_out name every layer, or has the model no such parameters,"
                + " as biases? --method head trains the head alone)"
        case .deviceUnavailable(let device):
            return "\(device): there is no such device, or libtorch is a CPU build"
                + " (hint: --device cpu)"
        case .missingTokenizer(let path):
            return "\(path): none of the files that a tokenizer is read from"
        case .wrongBase(let adapter, let reason, let hasSameShape):
            return "\(adapter): this adapter belongs to another model: \(reason)"
                + (hasSameShape ? " (hint: --allow-base-mismatch runs it all the same)" : "")
        case .wrongTensors(let adapter, let reason):
            return "\(adapter)/adapter.safetensors: \(reason)"
        case .pairs(let path, let adapterReadsPairs):
            return adapterReadsPairs
                ? "\(path): the adapter was trained on pairs of texts, these rows have one text each"
                    + " (hint: --pair-column, or --pair beside --text)"
                : "\(path): the adapter was trained on single texts, these rows have two"
                    + " (hint: leave out the second text's column, or --pair)"
        case .resume(let path, let reason):
            return "\(path): cannot resume: \(reason) (hint: --overwrite starts anew)"
        case .settings(let problem):
            return problem
        }
    }
}
