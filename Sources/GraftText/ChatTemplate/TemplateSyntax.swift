/// A statement of a template.
indirect enum TemplateStatement: Sendable {
    case text(String)
    case output(TemplateExpression)
    case conditional(
        [(test: TemplateExpression, body: [TemplateStatement])],
        otherwise: [TemplateStatement]
    )
    case loop(TemplateLoop)
    case assignment(TemplateTarget, TemplateExpression)
    /// Statements with a scope of their own: `{% generation %} ... {% endgeneration %}`.
    case scope([TemplateStatement])
    /// What statements print becomes the value: `{% set x %} ... {% endset %}`.
    case capture(TemplateTarget, [TemplateStatement])
    case `break`
    case `continue`
}

/// A loop: `{% for ... in ... if ... %}`.
struct TemplateLoop: Sendable {
    var names: [String]
    var sequence: TemplateExpression
    var filter: TemplateExpression?
    var body: [TemplateStatement]
    var otherwise: [TemplateStatement]
}

/// What a value is assigned to.
enum TemplateTarget: Sendable {
    case name(String)
    /// A member of a `namespace`.
    case member(of: String, String, line: Int)
}

/// An expression and the line that it stands on.
struct TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case literal(TemplateValue)
        case name(String)
        case list([TemplateExpression])
        case dictionary([(key: TemplateExpression, value: TemplateExpression)])
        case member(TemplateExpression, TemplateExpression)
        /// What follows a dot, where the methods of a value come before its members.
        case attribute(TemplateExpression, String)
        case slice(
            TemplateExpression,
            from: TemplateExpression?,
            to: TemplateExpression?,
            step: TemplateExpression?
        )
        case function(String, TemplateArguments)
        case method(TemplateExpression, String, TemplateArguments)
        case filter(TemplateExpression, String, TemplateArguments)
        case test(TemplateExpression, String, TemplateArguments)
        case not(TemplateExpression)
        case negative(TemplateExpression)
        case binary(TemplateExpression, String, TemplateExpression)
        case conditional(
            TemplateExpression,
            test: TemplateExpression,
            otherwise: TemplateExpression?
        )
    }

    let kind: Kind
    let line: Int
}

/// What stands between the parentheses of a call.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
}
