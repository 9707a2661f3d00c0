"""Writes chat_templates.json: what `apply_chat_template` makes of conversations and of small templates.

Needs: transformers==4.57.6, jinja2==3.1.6. The templates are written for this file, with the constructs of those that
Llama 2 and 3, Mistral, Qwen and ChatML models carry.

    python Tools/reference/chat_templates.py Tests/GraftTextTests/Fixtures/chat_templates.json
"""

import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

CHATML = """{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
LLAMA2 = """{% if messages[0]['role'] == 'system' %}
{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}
{% else %}
{% set rest = messages %}{% set system = false %}
{% endif %}
{% for message in rest %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Roles must alternate: user, assistant, user, ...') }}
{% endif %}
{% if loop.index0 == 0 and system != false %}
{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}
{% else %}
{% set content = message['content'] %}
{% endif %}
{% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}
{{ ' ' + content.strip() + ' ' + eos_token }}
{% endif %}
{% endfor %}"""
LLAMA3 = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{#- The system message comes first. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {{- "Tools:\\n" }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One tool call at a time!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}<|eot_id|>" }}
    {%- else %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable and message.content is not string %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""
MISTRAL = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(index=0) %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("Roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- endif %}
{%- endfor %}
{{- user_messages | length }}"""
QWEN = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are helpful.' }}
    {%- endif %}
    {{- "\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
TEMPLATES = {"chatml": CHATML, "llama2": LLAMA2, "llama3": LLAMA3, "mistral": MISTRAL, "qwen": QWEN}


def say(role, content, **more):
    return {"role": role, "content": content} | more


CALL = {"type": "function", "function": {"name": "sum", "arguments": {"a": 1, "b": [2.5, None, True], "c": "é\"\n"}}}
CONVERSATIONS = {
    "short": [say("user", "Hi")],
    "system": [say("system", " Be brief.\n"), say("user", "  What is 1+1? "), say("assistant", " 2\n"), say("user", "Why?")],
    "unicode": [say("user", "e\u0301 👩‍👩‍👧‍👦 שלום <s>\n\n{{ x }} {% y %}"), say("assistant", "日本語\t.")],
    "wrong": [say("assistant", "I begin")],
    "tools": [say("user", "Add"), say("assistant", "", tool_calls=[CALL]), say("tool", "3.5"), say("assistant", "It is 3.5")],
}
TOOLS = [{"type": "function", "function": {"name": "sum", "description": "Adds, \"really\"", "parameters": {"x": [], "y": {}}}}]
VARIABLES = {"bos_token": "<s>", "eos_token": "</s>", "date_string": "01 Feb 2026"}
SMALL = [
    "{{ 1 + 2 * 3 - 4 // 3 % 2 }} {{ 7 / 2 }} {{ 8 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 'a' ~ 1 ~ none ~ true }}",
    "{{ 'ab' * 2 }} {{ [1, 'b', none, 2.5] }} {{ {'a': 1, 'b': [true]} }} {{ (1, 2) | length }} {{ ('x') }}",
    "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ 'b' in 'abc' }} {{ 3 not in [1, 2] }} {{ 'a' in {'a': 1} }}",
    "{{ 'x' if false else 'y' }}{{ 'x' if false }}|{{ not true or true and false }} {{ (none or 'z') }} {{ 0 and 1 }}",
    "{{ missing }}|{{ messages[0].nothing }}|{{ missing is defined }} {{ messages is defined }} {{ missing is undefined }}",
    "{% for i in range(3) %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }},{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}{% for i in 'abc' if i != 'b' %}{{ i }}{{ loop.length }}{% endfor %}",
    "{% for a, b in {'k': 1, 'l': 2}.items() %}{{ a }}={{ b }};{% endfor %}{% for k in {'m': 0} %}{{ k }}{% endfor %}",
    "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% elif i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = i + 10 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 5 %}{% endif %}{{ x }}",
    "{% set ns = namespace(a=0, b='q') %}{% for i in range(4) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}",
    "{% set body %} a{{ 1 }} {% endset %}[{{ body }}]{{ body | trim }}",
    "  {% if true %}\n  a\n  {% endif %}\n b {%- if true -%}  c  {%- endif %}\nd {%+ if true %}\n e{% endif +%}\nf\n",
    "a\n\n {# note #}\n b {#- x -#}  c\n\t{% set z = 1 %}\n{{ z }}\n\n{{- z -}}\n\n{{ z }}  \n",
    "{{ '  a b '.strip() }}|{{ 'xxabxx'.strip('x') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}",
    "{{ 'Hello'.upper() }}{{ 'Hello'.lower() }}{{ 'they said'.title() }}{{ 'aBC'.capitalize() }}{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith('bc') }}",
    "{{ 'aXbX'.replace('X', '-') }} {{ 'a-b' | replace('-', '+') }} {{ ', '.join(['a', 'b']) }} {{ [1, 2] | join('/') }}",
    "{{ [3, 1, 2] | first }}{{ [3, 1, 2] | last }}{{ [3, 1, 2] | length }}{{ 'abc' | length }}{{ 'abc' | reverse }}{{ [1, 2] | reverse | list }}",
    "{{ 'abcdef'[1:3] }} {{ 'abcdef'[::-1] }} {{ [1, 2, 3, 4][-2:] }} {{ [1, 2, 3, 4][:10:2] }} {{ 'abc'[-1] }} {{ [1, 2, 3][5] }}",
    "{{ missing | default('d') }} {{ '' | default('e', true) }} {{ none | default('f') }} {{ '5' | int + 1 }} {{ 3.7 | int }}",
    "{{ messages | map(attribute='role') | join(',') }} {{ ['a', 'b'] | map('upper') | list }} {{ messages | selectattr('x') | list }}",
    "{{ messages | rejectattr('role', 'equalto', 'user') | list | length }} {{ [1, 2, 3] | select('odd') | list }} {{ [0, 1] | reject | list }}",
    "{{ none is none }} {{ 'a' is string }} {{ {} is mapping }} {{ 1 is number }} {{ [] is iterable }} {{ 1 is not none }} {{ true is boolean }}",
    "{{ 3 is odd }} {{ 4 is even }} {{ 'a' is in ['a'] }} {{ 2 is equalto 2 }} {{ 1.5 is float }} {{ 2 is integer }} {{ true is true }}",
    "{{ [1, {'a': [], 'b': {}}, 'é\\n\"\\\\', none, false, 1.5] | tojson }} {{ [1, [2]] | tojson(indent=2) }} {{ {} | tojson }}",
    "{{ \"it's\" }}{{ 'q\\'q' }}{{ 'tab\\tnew\\n\\x41\\u00e9' }}{{ ['it\\'s', 'a\"b'] }}{{ 'a' 'b' }}",
    "{{ 'x' | upper | lower }}{{ ('a' ~ 'b') | upper }}{{ 'a' + 'b' | upper }}{{ messages[0]['role'] | capitalize }}{{ 5 | string + '!' }}",
    "{{ messages[-1]['role'] }} {{ messages[0].get('x', 'none') }} {{ messages[0].get('x') }} {{ dict(a=1).keys() | list }}",
    "{% for m in messages %}{{ loop.previtem.role if not loop.first }}>{{ loop.nextitem is defined }} {% endfor %}",
    "{%- generation -%} inside {% endgeneration %}{{ 1e3 if false else 2.0 }} {{ 10000000000 * 10 }} {{ 0.1 + 0.2 }}",
    "{% if missing %}a{% elif messages | length > 1 %}b{% else %}c{% endif %}{% if missing == none %}x{% endif %}{% if not missing %}y{% endif %}",
    "a\r\nb {% if true %}\r\nc{% endif %}\r\n",
    "{% if strftime_now is defined %}a{% endif %}{% if raise_exception is undefined %}b{% endif %}{{ nothing_now is defined }}",
    "{{ [{'x': 1}, {'x': 2}] | join(',', attribute='x') }} {{ [{'f': {'n': 'a'}}] | map(attribute='f.n') | list }}",
    "{{ [{'f': {'n': 'a'}}, {'f': {}}] | selectattr('f.n') | list }} {{ [{'x': 1}, {}] | map(attribute='x', default='D') | list }}",
    "{% set m = {'a': 1, 'b': 0} %}{{ dict(m, b=2) }} {% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }} {{ dict(m) == m }}",
    "{{ '3.7' | int }} {{ 'x' | int(5) }} {{ true + 1 }} {{ true + true }} {{ -true }} {{ 9223372036854775807 // 1 }} {{ 9223372036854775807 % 2 }}",
    "{{ -9 // 4 }} {{ -9 % 4 }} {{ 9 // -4 }} {{ 9 % -4 }} {{ -8 // 4 }} {{ -8 % 4 }} {{ 7.5 // 2 }} {{ ('a' * 70000) | length }}",
    "{% for i in [1] %}{{ loop.depth }}{% for j in [1] %}{{ loop.depth0 }}{% endfor %}{% endfor %} {{ true is sameas true }}{{ 1 is sameas true }}{{ none is sameas none }}",
    "{% for m in [1, 2] %}{% for t in [] %}{% else %}{% continue %}{% endfor %}X{% endfor %}{% for m in [1, 2] %}{% for t in [] %}{% else %}{% break %}{% endfor %}X{% endfor %}",
    "{% for t in [] %}{% else %}{% set x = 1 %}{{ x }}{% endfor %}{{ x }}|{% set y %}{% set z = 1 %}{{ z }}{% endset %}{{ y }}{{ z }}|",
    "{% for m in [1, 2] %}{% set y %}a{% if m == 1 %}{% continue %}{% endif %}b{% endset %}{{ m }}{{ y }}{% endfor %}",
    "{% generation %}{% set g = 1 %}{{ g }}{% endgeneration %}{{ g }}|{{ {'items': 3}['items'] }} {{ messages[0].get('role', default='x') if false else 'y' }}",
    "{{ messages[0].content.split('</think>')[-1].lstrip('\\n') }}{{ ['a'] + ['b'] }}{{ 'a' if 'x' is defined and messages else 'b' }}",
]


def rendered(source, messages, prompt, tools=None):
    try:
        texts, _ = render_jinja_template(
            [messages], tools=tools, chat_template=source, add_generation_prompt=prompt, **VARIABLES
        )
        return {"text": texts[0]}
    except Exception as error:
        if type(error).__name__ != "TemplateError":
            raise
        return {"raised": str(error)}


def main(path):
    rows = []
    for name, source in TEMPLATES.items():
        for title, messages in CONVERSATIONS.items():
            # These templates add what a call of tools does not have.
            if title == "tools" and name in ("chatml", "llama2", "mistral"):
                continue
            for prompt in (False, True):
                tools = TOOLS if title == "tools" and prompt else None
                row = {"template": name, "messages": messages, "prompt": prompt, "tools": tools}
                rows.append(row | rendered(source, messages, prompt, tools))
    small = [{"source": source} | rendered(source, CONVERSATIONS["system"], False) for source in SMALL]
    value = {"templates": TEMPLATES, "variables": VARIABLES, "conversations": rows, "small": small}
    Path(path).write_text(json.dumps(value, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
