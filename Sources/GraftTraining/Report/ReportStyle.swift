/// The style sheet of a page of figures: one for all reports, inlined, so that a page needs nothing
/// else.
///
/// Colours are custom properties with a light and a dark set; `s0` to `s5` name the colours of a
/// chart and set `--c`, which lines, dots, bars and legends use. The sheet contains no `<`, `&` or
/// `>`, so it is the same text in HTML and in XML.
package enum ReportStyle {
    /// The style element for the head of a page.
    package static var element: Markup {
        Markup("style") { Markup.verbatim(sheet) }
    }

    private static let sheet: StaticString = """

        :root {
          color-scheme: light dark;
          --ground: #f4f6f8; --card: #ffffff; --ink: #17202a; --muted: #55606d; --rule: #dde3e9;
          --warn: #9a3412; --warn-ground: #fff4ec; --best: #e6f3f0; --strong: #ffffff;
          --middling: #17202a;
          --c0: #0f766e; --c1: #c2410c; --c2: #4f46e5; --c3: #a16207; --c4: #be185d; --c5: #0369a1;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0f1419; --card: #182028; --ink: #e8edf2; --muted: #a3afbb; --rule: #2d3843;
            --warn: #fdba74; --warn-ground: #33210f; --best: #123430; --strong: #0b1015;
            --middling: #0b1015;
            --c0: #4fd1c1; --c1: #fb923c; --c2: #a5b4fc; --c3: #fcd34d; --c4: #f9a8d4;
            --c5: #7dd3fc;
          }
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; max-width: 1060px; padding: 28px 20px 48px; background: var(--ground);
          color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
        }
        h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
        h2 { font-size: 18px; margin: 36px 0 12px; }
        p { margin: 0; }
        code, pre {
          font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 13px;
        }
        code { overflow-wrap: anywhere; }
        .muted { color: var(--muted); }
        .card {
          margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
          padding: 14px 16px; min-width: 0;
        }
        .grid {
          display: grid; gap: 14px; align-items: start;
          grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr));
        }
        .grid .wide { grid-column: 1 / -1; }
        .grid .tall { grid-row: span 2; }
        .tiles {
          display: grid; gap: 14px; margin-top: 22px;
          grid-template-columns: repeat(auto-fit, minmax(min(100%, 170px), 1fr));
        }
        .tile .value { font-size: 28px; font-weight: 650; line-height: 1.25; white-space: nowrap; }
        .tile .name, .tile .note { color: var(--muted); font-size: 13px; }
        .tile.first { border-top: 4px solid var(--c0); padding-top: 11px; }
        .warnings {
          margin-top: 18px; background: var(--warn-ground); border: 1px solid var(--warn);
          border-radius: 10px; padding: 10px 16px;
        }
        .warnings ul { margin: 4px 0 0; padding-left: 20px; }
        .warnings strong { color: var(--warn); }
        figcaption, caption { font-weight: 600; text-align: left; padding-bottom: 8px; }
        figure svg { display: block; width: 100%; max-width: 560px; height: auto; margin: 0 auto; }
        figure.wide svg { max-width: 720px; }
        .legend {
          display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; margin: 8px 0 0;
          padding: 0;
          font-size: 13px; color: var(--muted);
        }
        .legend i {
          display: inline-block; width: 11px; height: 11px; border-radius: 3px;
          background: var(--c);
          print-color-adjust: exact; -webkit-print-color-adjust: exact;
        }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th, td {
          text-align: left; vertical-align: top; padding: 5px 12px 5px 0;
          border-top: 1px solid var(--rule);
        }
        th { font-weight: 500; color: var(--muted); }
        caption + tbody td { overflow-wrap: anywhere; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        th:last-child, td:last-child { padding-right: 0; }
        td.text { min-width: 13em; }
        tr.best td, tr.best th { background: var(--best); color: var(--ink); font-weight: 600; }
        .counts {
          columns: 17em; column-gap: 28px; list-style: none; margin: 0; padding: 0;
          font-size: 14px;
        }
        .counts li {
          display: flex; justify-content: space-between; gap: 12px; break-inside: avoid;
          border-top: 1px solid var(--rule); padding: 3px 0; overflow-wrap: anywhere;
        }
        pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
        footer { margin-top: 32px; font-size: 13px; color: var(--muted); }

        svg text {
          font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--muted);
        }
        svg .name, svg .note { fill: var(--ink); }
        svg .note { font-weight: 600; }
        .s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); }
        .s3 { --c: var(--c3); } .s4 { --c: var(--c4); } .s5 { --c: var(--c5); }
        line.grid { stroke: var(--rule); }
        line.mark { stroke: var(--muted); stroke-opacity: 0.4; stroke-dasharray: 2 3; }
        line.spread { stroke: var(--c0); stroke-width: 1.5; stroke-opacity: 0.6; }
        line.level { stroke: var(--muted); stroke-dasharray: 6 4; }
        line.cross { stroke: var(--warn); stroke-width: 1.5; }
        path { fill: none; stroke-linejoin: round; stroke-linecap: round; stroke: var(--c); }
        path.line, path.dotted { stroke-width: 2; }
        path.faint { stroke-width: 1; stroke-opacity: 0.32; }
        .dot, .bar, .cell { fill: var(--c); }
        .frame { fill: none; stroke: var(--rule); }
        .ring { fill: none; stroke: var(--ink); stroke-width: 1.6; }
        svg .count { font-weight: 600; }
        svg .weak { fill: var(--ink); }
        svg .middling { fill: var(--middling); }
        svg .strong { fill: var(--strong); }
        svg .detail { font-size: 10px; }

        @media (max-width: 520px) {
          body { padding: 18px 12px 32px; }
          table { font-size: 13px; }
          th, td { padding-right: 9px; }
        }
        @media print {
          :root {
            color-scheme: light;
            --ground: #ffffff; --card: #ffffff; --ink: #17202a; --muted: #55606d; --rule: #dde3e9;
            --warn: #9a3412; --warn-ground: #ffffff; --best: #e6f3f0; --strong: #ffffff;
            --middling: #17202a;
            --c0: #0f766e; --c1: #c2410c; --c2: #4f46e5; --c3: #a16207; --c4: #be185d;
            --c5: #0369a1;
          }
          body { max-width: none; padding: 0; font-size: 12px; }
          .card, .warnings, tr { break-inside: avoid; }
          .grid { grid-template-columns: 1fr 1fr; }
          .tiles { grid-template-columns: repeat(4, 1fr); }
          h2 { break-after: avoid; }
        }

        """
}
