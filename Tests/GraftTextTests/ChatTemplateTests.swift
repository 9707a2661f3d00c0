import Foundation
import GraftText
import Testing

@Suite("Chat templates against transformers 4.57.6")  // Tools/reference/chat_templates.py
struct ChatTemplateTests {
    /// What the script wrote; members keep their order, as `tojson` shows it.
    private static func fixture(_ name: String) throws -> TemplateValue {
        let url = Fixture.folder.appending(path: "chat_templates.json")
        let value = try #require(TemplateValue(json: String(contentsOf: url, encoding: .utf8)))
        return try #require(value.member(name))
    }

    private static func string(_ value: TemplateValue?) throws -> String {
        guard case .string(let text) = value else { throw CocoaError(.coderValueNotFound) }
        return text
    }

    private static func rows(_ name: String) throws -> [TemplateValue] {
        guard case .array(let rows) = try fixture(name) else {
            throw CocoaError(.coderValueNotFound)
        }
        try #require(rows.count > 25)
        return rows
    }

    private static func variables() throws -> [String: TemplateValue] {
        guard case .object(let members) = try fixture("variables") else { return [:] }
        return Dictionary(members.map { ($0.name, $0.value) }) { _, last in last }
    }

    private func check(
        _ row: TemplateValue,
        _ source: String,
        _ messages: [TemplateValue],
        prompt: Bool
    ) throws {
        var variables = try Self.variables()
        if let tools = row.member("tools") { variables["tools"] = tools }
        do {
            let text = try ChatTemplate(source).render(
                messages,
                addsGenerationPrompt: prompt,
                variables: variables
            )
            let expected = try Self.string(row.member("text"))
            #expect(text.utf8.elementsEqual(expected.utf8), "\(source): \(text) is not \(expected)")
        } catch let error as ChatTemplateError {
            guard case .raised(let message) = error else {
                Issue.record("\(source): \(error)")
                return
            }
            #expect(message == (try Self.string(row.member("raised"))))
        }
    }

    @Test func `conversations have the text of the reference`() throws {
        let templates = try Self.fixture("templates")
        for row in try Self.rows("conversations") {
            let name = try Self.string(row.member("template"))
            let source = try Self.string(templates.member(name))
            guard case .array(let messages) = row.member("messages"),
                case .bool(let prompt) = row.member("prompt")
            else {
                Issue.record("a row without messages")
                continue
            }
            try check(row, source, messages, prompt: prompt)
        }
    }

    @Test func `small templates have the text of the reference`() throws {
        let conversations = try Self.rows("conversations")
        guard case .array(let messages) = conversations[2].member("messages") else {
            Issue.record("a row without messages")
            return
        }
        for row in try Self.rows("small") {
            try check(row, try Self.string(row.member("source")), messages, prompt: false)
        }
    }

    @Test(arguments: [
        ("a\n{% macro f() %}{% endmacro %}", "line 2: the statement macro is not supported"),
        ("{% include 'x' %}", "line 1: the statement include is not supported"),
        ("{{ 1 | sum }}", "line 1: the filter sum is not supported"),
        ("\n\n{{ 'a' is callable }}", "line 3: the test callable is not supported"),
        ("{{ lipsum() }}", "line 1: the function lipsum is not supported"),
        ("{{ 'a'.zfill(3) }}", "line 1: the method zfill of a string is not supported"),
        ("{% set a, b = 1, 2 %}", "line 1: setting several names at once is not supported"),
        ("{% if true %}\nx", "line 1: a block has no endif"),
        ("{% endfor %}", "line 1: endfor without a beginning"),
        ("a\n{{ 'x }}", "line 2: a string has no end"),
        ("{{ a", "line 1: a tag has no end"),
        ("{# a", "line 1: a comment has no end"),
        ("{{ }}", "line 1: an expression is missing"),
        ("{{ 1 + }}", "line 1: an expression is missing"),
        ("{{ 1 2 }}", "line 1: unexpected 2"),
        ("{{ a b }}", "line 1: unexpected b"),
        ("{{ $ }}", "line 1: unexpected $"),
        ("{% for x of y %}{% endfor %}", "line 1: expected 'in'"),
        ("{% break %}", "line 1: break outside a loop"),
        ("\n{{ missing.member }}", "line 2: member of an undefined value"),
        ("{{ 'a' + 1 }}", "line 1: a string + a number has no value"),
        ("{{ 1 // 0 }}", "line 1: a division by zero"),
        ("{% set x = 1 %}{% set x.y = 2 %}", "x.y cannot be set: x is no namespace"),
        ("{{ 1 < 'a' }}", "line 1: a number and a string have no order"),
        ("{{ raise_exception('no') }}", "the chat template refuses these messages: no"),
        ("{{ 9223372036854775807 + 1 }}", "line 1: a number too large"),
        (String(repeating: "{% if true %}", count: 100), "line 1: blocks nest too deep"),
        (
            "{{ " + String(repeating: "(", count: 500) + "1" + String(repeating: ")", count: 500)
                + " }}",
            "line 1: expressions nest too deep"
        ),
        ("{{ strftime_now('%Q') }}", "line 1: %Q in a date is not supported"),
        ("{{ 'aXaX'.replace('X', '-', 1) }}", "line 1: replace with 3 arguments is not supported"),
        ("{{ 'aXaX' | replace('X', '-', count=1) }}", "line 1: replace with count"),
        ("{{ 'ff' | int(0, 16) }}", "line 1: int with 2 arguments"),
        ("{{ {'items': 1}.items }}", "line 1: items of a dictionary without a call"),
        ("{{ range }}", "line 1: range without a call is not supported"),
        ("{{ 1 is sameas 1 }}", "line 1: sameas a number is not supported"),
        ("{{ -(-9223372036854775807 - 1) }}", "line 1: a number too large"),
        ("{{ (-9223372036854775807 - 1) // -1 }}", "line 1: a number too large"),
        ("{{ range(-9223372036854775807, 9223372036854775807) }}", "a range that is too long"),
        ("{{ 'ab' * 4611686018427387904 }}", "line 1: a text too long"),
        ("{{ 1" + String(repeating: " + 1", count: 5000) + " }}", "an expression is too long"),
        ("{{ 'a'" + String(repeating: " | trim", count: 5000) + " }}", "an expression is too long"),
        ("{{ a" + String(repeating: ".a", count: 5000) + " }}", "an expression is too long"),
        (
            "{% for i in range(100000) %}{% for j in range(100000) %}0123456789{% endfor %}{% endfor %}",
            "line 1: the text is too long"
        ),
        (
            "{% set n = namespace(s='0123456789') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
            "line 1: a text too long"
        ),
    ])
    func `what a template asks for in vain is named with its line`(
        source: String,
        message: String
    ) throws {
        let error = #expect(throws: ChatTemplateError.self) {
            _ = try ChatTemplate(source).render([ChatMessage(role: "user", content: "x")])
        }
        let description = try #require(error?.description)
        #expect(description.contains(message) && !description.contains("\n"), "\(description)")
    }

    @Test func `now is what the caller says`() throws {
        let template = try ChatTemplate("{{ strftime_now('%d %b %Y, %A %H:%M:%S %%') }}")
        let text = try template.render(
            [] as [ChatMessage],
            date: Date(timeIntervalSince1970: 1_700_000_000),
            timeZone: .gmt
        )
        #expect(text == "14 Nov 2023, Tuesday 22:13:20 %")
    }

    @Test func `a folder's template knows its special tokens`() throws {
        let folder = try TemporaryFolder()
        if try TokenizerFolder(folder.url).chatTemplate() != nil {
            Issue.record("an empty folder has no template")
        }
        try folder.write(
            #"""
            {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": [
             {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"},
             {"name": "other", "template": "{{ messages | length }}"}]}
            """#,
            to: "tokenizer_config.json"
        )
        let messages = [ChatMessage(role: "user", content: "Hi")]
        let template = try #require(try TokenizerFolder(folder.url).chatTemplate())
        #expect(try template.render(messages) == "<s>Hi</s>")
        let other = try #require(try TokenizerFolder(folder.url).chatTemplate(named: "other"))
        #expect(try other.render(messages) == "1")
        #expect {
            _ = try TokenizerFolder(folder.url).chatTemplate(named: "third")
        } throws: { error in
            "\(error)".contains("chat_template: third is not supported (supported: default, other)")
        }
        try folder.write("{{ eos_token }}", to: "chat_template.jinja")
        let file = try #require(try TokenizerFolder(folder.url).chatTemplate())
        #expect(try file.render(messages) == "</s>")
    }
}
