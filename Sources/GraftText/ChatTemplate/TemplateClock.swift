internal import Foundation

/// The time that `strftime_now` tells: a fixed one, so that rendering twice gives the same text.
struct TemplateClock: Sendable {
    let date: Date
    let timeZone: TimeZone

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    private static let days = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// The date in a format of C's `strftime`, in English.
    func formatted(_ format: String, line: Int) throws(ChatTemplateError) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second, .weekday],
            from: date
        )
        func two(_ number: Int?) -> String {
            let number = number ?? 0
            return number < 10 ? "0\(number)" : "\(number)"
        }
        let month = Self.months[(parts.month ?? 1) - 1]
        let day = Self.days[(parts.weekday ?? 1) - 1]
        var text = ""
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%", let letter = rest.popFirst() else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch letter {
            case "d": text += two(parts.day)
            case "m": text += two(parts.month)
            case "Y": text += "\(parts.year ?? 0)"
            case "y": text += two((parts.year ?? 0) % 100)
            case "b": text += month.prefix(3)
            case "B": text += month
            case "a": text += day.prefix(3)
            case "A": text += day
            case "H": text += two(parts.hour)
            case "M": text += two(parts.minute)
            case "S": text += two(parts.second)
            case "%": text += "%"
            default: throw .unsupported(line: line, construct: "%\(letter) in a date")
            }
        }
        return text
    }
}
