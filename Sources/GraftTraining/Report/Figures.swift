package import Foundation

/// Numbers as people read them, the same on every page and in every locale; a unit hangs on its
/// number by a no-break space.
package enum Figures {
    /// `1234567` as `1,234,567`.
    package static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var grouped = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { grouped += "," }
            grouped.append(digit)
        }
        return grouped
    }

    /// `22713216` as `22.7 M`.
    package static func short(_ value: Int) -> String {
        scaled(Double(value), by: 1000, units: ["", "\u{A0}k", "\u{A0}M", "\u{A0}G", "\u{A0}T"])
    }

    /// Bytes in binary units: `532676608` as `508 MiB`.
    package static func bytes(_ value: Int) -> String {
        scaled(
            Double(value),
            by: 1024,
            units: ["\u{A0}B", "\u{A0}KiB", "\u{A0}MiB", "\u{A0}GiB", "\u{A0}TiB"]
        )
    }

    /// A metric: three decimals, or three significant digits when the number is large.
    package static func score(_ value: Double) -> String {
        guard value.isFinite else { return nonFinite(value) }
        return value.magnitude < 100 ? String(format: "%.3f", value) : measure(value)
    }

    /// The mean of a metric and its deviation: `0.864 ± 0.002`.
    package static func score(_ spread: Spread) -> String {
        score(spread.mean) + (spread.deviation.map { " ± " + score($0) } ?? "")
    }

    /// A rate or another measured number: three significant digits, grouped when large.
    package static func measure(_ value: Double) -> String {
        guard value.isFinite else { return nonFinite(value) }
        if value.magnitude >= 100, value.magnitude < 1e15 { return count(Int(value.rounded())) }
        return String(format: "%.3g", value)
    }

    /// A fraction as a percentage of about three significant digits.
    package static func percent(_ fraction: Double) -> String {
        guard fraction.isFinite else { return nonFinite(fraction) }
        let value = fraction * 100
        let decimals = value == 0 || value.magnitude >= 99.95 ? 0 : value.magnitude < 1 ? 2 : 1
        return String(format: "%.\(decimals)f\u{A0}%%", value)
    }

    /// A part of one, as `0.31`.
    package static func share(_ fraction: Double) -> String {
        fraction.isFinite ? String(format: "%.2f", fraction) : nonFinite(fraction)
    }

    /// Seconds as `8.3 s`, `2 min 05 s` or `1 h 02 min`.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds.magnitude < 1e12 else { return nonFinite(seconds) }
        if seconds < 59.95 { return String(format: "%.1f\u{A0}s", seconds) }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return "\(whole / 60)\u{A0}min \(padded(whole % 60))\u{A0}s" }
        return "\(whole / 3600)\u{A0}h \(padded(whole / 60 % 60))\u{A0}min"
    }

    /// A moment as `2026-08-29 14:03:07 UTC`.
    package static func date(_ date: Date) -> String {
        let style = Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .gmt)
            .year().month().day().dateSeparator(.dash)
            .time(includingFractionalSeconds: false).timeSeparator(.colon)
        return date.formatted(style) + " UTC"
    }

    /// A coordinate in a drawing: one decimal, none when it is zero.
    package static func coordinate(_ value: Double) -> String {
        let tenths = (value * 10).rounded() / 10
        return tenths == tenths.rounded() ? String(Int(tenths)) : String(tenths)
    }

    /// How opaque a cell of a heat map is: a share above zero is never fainter than `floor`.
    package static func opacity(_ share: Double, floor: Double) -> String {
        String(format: "%.2f", share > 0 ? floor + (1 - floor) * share : 0.04)
    }

    private static func padded(_ value: Int) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }

    private static func scaled(_ value: Double, by base: Double, units: [String]) -> String {
        var (value, unit) = (value, 0)
        while value.magnitude >= base, unit < units.count - 1 {
            value /= base
            unit += 1
        }
        let decimals = unit == 0 || value.magnitude >= 100 ? 0 : value.magnitude >= 10 ? 1 : 2
        return String(format: "%.\(decimals)f", value) + units[unit]
    }

    private static func nonFinite(_ value: Double) -> String {
        value.isNaN ? "NaN" : value < 0 ? "-∞" : "∞"
    }
}
