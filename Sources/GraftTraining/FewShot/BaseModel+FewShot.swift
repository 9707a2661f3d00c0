internal import GraftAdapters
public import GraftFormats
public import GraftModels
internal import GraftTorch

extension BaseModel {
    /// A classifier of images as an adapter, for a ``Predictor`` and for the disk.
    ///
    /// - Parameters:
    ///   - classifier: What answers at the places of images.
    ///   - name: What reports call it.
    ///   - classes: The classes by name.
    ///   - labels: Their names, in the same order.
    ///   - provenance: How it was made.
    /// - Returns: An adapter without a method, whose head is the classifier.
    /// - Throws: `FileError` if the model's files cannot be read for their hash.
    public func bundle(
        _ classifier: any FeatureClassifier,
        named name: String,
        classes: NamedClasses,
        labels: [String],
        provenance: [String: String] = [:]
    ) throws -> AdapterBundle {
        var tensors = ["head.classes": classes.places]
        for (name, value) in classifier.parameters + classifier.constants {
            tensors["head." + name] = value
        }
        return AdapterBundle(
            method: try AdapterRegistry.builtin.method(named: HeadOnly.identifier),
            methodName: name,
            head: HeadConfiguration(classifier.kind, classCount: labels.count),
            labels: labels,
            maxLength: 1,
            base: try identity().remembered(withMessages: false),
            provenance: provenance,
            tensors: tensors
        )
    }
}
