public import GraftData
public import GraftFormats

extension AdapterBundle {
    /// The columns that training read, of those that had names of their own; rows' ids are no part of it.
    public var columnNames: ColumnNames {
        get { ColumnNames(text: columns["text"], pair: columns["pair"], label: columns["label"]) }
        set {
            let names = [
                ("text", newValue.text), ("pair", newValue.pair), ("label", newValue.label),
            ]
            columns = names.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }
}
