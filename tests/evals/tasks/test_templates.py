"""Templates of models and of tasks: what their libraries would render, and what none may do."""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from evals.tasks.templates import TemplateChild, TemplateFault

pytestmark = pytest.mark.slow

CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}"
    "{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MESSAGES = [{"role": "user", "content": "Hello <&>"}]


_CHILD = TemplateChild()


@pytest.fixture(scope="module", autouse=True)
def child() -> Iterator[TemplateChild]:
    """One process for all templates of this file, but those that end it."""
    with _CHILD:
        yield _CHILD


def shown(template: str, messages: list[dict[str, str]] = MESSAGES, **how: Any) -> str:
    settings = {"add_generation_prompt": True, "bos": "<s>", "eos": "</s>", **how}
    return _CHILD.chat(template, messages, **settings)[0]


def test_chatml():
    assert shown(CHATML) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nHello <&><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_conversation_without_a_generation_prompt():
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": "2"},
    ]
    assert shown(CHATML, conversation, add_generation_prompt=False) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\n1+1?<|im_end|>\n"
        "<|im_start|>assistant\n2"  # the turn stays open
    )


def test_blocks_are_trimmed_as_transformers_sets_it():
    # trim_blocks: no line break after a block; lstrip_blocks: no indentation before one.
    template = (
        "{{ bos_token }}\n"
        "{% for m in messages %}\n"
        "    {% if m.role == 'user' %}\n"
        "[INST] {{ m.content }} [/INST]\n"
        "    {% endif %}\n"
        "{% endfor %}\n"
        "{{ eos_token }}"
    )
    assert shown(template) == "<s>\n[INST] Hello <&> [/INST]\n</s>"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "Hello <&>"}'),
        ("{{ {'é': 1} | tojson(indent=1) }}", '{\n "é": 1\n}'),
        ("a{% generation %}b{{ 1 + 1 }}{% endgeneration %}c", "ab2c"),
        ("{% if tools %}tools{% else %}none{% endif %}", "none"),
        ("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}", "1"),
        # A fixed day: with today's, the same suite would ask something else tomorrow.
        ("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"),
        ("", ""),
    ],
)
def test_what_transformers_adds_to_jinja(template, expected):
    assert shown(template) == expected


def test_a_template_refuses_messages_in_its_own_words():
    template = "{{ raise_exception('Conversation roles must alternate') }}"
    with pytest.raises(TemplateFault, match="refuses these messages: Conversation roles must"):
        shown(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__']['__mro__'] }}",
        "{{ raise_exception.__globals__['__builtins__'] }}",
        "{{ cycler.__init__.__globals__.os.system('id') }}",
        "{{ self.__init__.__globals__ }}",
        "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ messages.append({}) }}",
        "{{ messages[0].update(role='system') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% extends 'x' %}",
    ],
)
def test_the_sandbox_holds(template):
    with pytest.raises(TemplateFault, match=r"^fails: [^\n]*$"):
        shown(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''|attr('__class__') }}",
        "{{ strftime_now.__globals__ }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    ],
)
def test_what_the_sandbox_denies_may_read_as_undefined(template):
    assert shown(template) == ""


@pytest.mark.parametrize(
    "template",
    [
        "{% for %}",
        "{{ nothing.at.all }}",
        "{{ 1 / 0 }}",
        "{{ messages[7].content + 'x' }}",
        "{{ messages | no_such_filter }}",
        "{{ 'x' + 1 }}",
        "{{ [1][2] + 1 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        # Python's own limit on nested blocks: a SyntaxError in what Jinja generated.
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
        "{{ 10 ** 5000 }}",
        "{{ 0.5 ** 'x' }}",
        "{{ range(10 ** 9) | list }}",
    ],
)
def test_a_broken_template_is_one_line(template):
    with pytest.raises(TemplateFault) as caught:
        shown(template)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    "template",
    [
        "{% set ns = namespace(a='x' * 4000000) %}{% for i in range(14) %}"
        "{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
        "{% set ns = namespace(a=[1]) %}{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}"
        "{% endfor %}",
        "{% set a = 'x' * 4000000 %}{{ a.replace('x', 'y' * 1000) | length }}",
        "{% set a = 'x' * 4000000 %}{{ a.join('y' * 1000) | length }}",
        "{{ ('x' * 4000000).translate({120: 'y' * 1000}) | length }}",
        "{{ '{:1000000000}'.format('x') | length }}",
        "{{ [1] | batch(300000000, 'x') | list | length }}",
        "{{ {'a': 1} | tojson(indent=1000000000) | length }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'x' | center(1000000000) }}",
        "{% set n = 10 ** 9 %}{{ ('x' * n) | length }}",
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone bounds a process's address space")
def test_what_takes_memory_is_stopped_whatever_it_calls(template):
    with pytest.raises(TemplateFault, match=r"^takes more memory than 512 MiB$"):
        shown(template)
    assert shown("{{ bos_token }}") == "<s>"  # and the process goes on


@pytest.mark.skipif(sys.platform == "win32", reason="Windows bounds no process's time")
@pytest.mark.parametrize(
    "template",
    [
        # One call into C, which no alarm in Python interrupts; a constant, so while it is parsed.
        "{{ (7 ** 99999999) % 2 }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    ],
)
def test_what_takes_time_is_stopped_whatever_it_calls(template):
    with TemplateChild() as child:
        with pytest.raises(TemplateFault, match=r"^takes longer than 2 s of a processor$"):
            child.chat(template, MESSAGES, add_generation_prompt=True, bos="", eos="")
        again = child.chat("{{ eos_token }}", MESSAGES, add_generation_prompt=True, bos="", eos="|")
        assert again == ("|", True)


def test_many_renderings_together_may_take_longer_than_one():
    # The system counts a process's time from its start: the bound moves with each rendering.
    slow = "{% for i in range(99999) %}{% for j in range(6) %}{% endfor %}{% endfor %}"
    with TemplateChild() as child:
        for _ in range(12):
            child.chat(slow, MESSAGES, add_generation_prompt=True, bos="", eos="")


@pytest.mark.parametrize(
    "template",
    ["{% for i in range(99999) %}" + "x" * 99 + "{% endfor %}", "{{ 'x' * 5000000 }}"],
)
def test_a_huge_prompt_is_refused(template):
    with pytest.raises(TemplateFault, match=r"^renders more than 4,194,304 characters"):
        shown(template)


def test_ordinary_widths_are_kept():
    assert shown("{{ '%5d' % 7 }}{{ 'x'.ljust(3) }}|{{ 'a' | center(3) }}") == "    7x  | a "


# A begun answer, and a template without a system role.

BEGUN = [*MESSAGES, {"role": "assistant", "content": "The best answer is"}]
TRIMS = CHATML.replace("message['content']", "message['content'] | trim")
REFUSES = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
)
SYSTEM = {"role": "system", "content": " Be brief. "}


@pytest.mark.parametrize(
    ("template", "begun", "end"),
    [
        (CHATML, "The best answer is", "assistant\nThe best answer is"),
        (CHATML, "So: ", "assistant\nSo: "),
        # The template strips messages, and so transformers strips what was begun.
        (TRIMS, "So: ", "assistant\nSo:"),
    ],
)
def test_a_begun_answer_stays_open(template: str, begun: str, end: str):
    asked = [*MESSAGES, {"role": "assistant", "content": begun}]
    assert shown(template, asked, add_generation_prompt=False).endswith(end)


def test_a_begun_answer_is_what_transformers_makes_of_it():
    utils = pytest.importorskip("transformers.utils.chat_template_utils")
    for template in (CHATML, TRIMS):
        for begun in ("The best answer is", "So: ", "a<b>", "x\n"):
            asked = [*MESSAGES, {"role": "assistant", "content": begun}]
            ((theirs,), _) = utils.render_jinja_template(
                [asked], chat_template=template, continue_final_message=True
            )
            assert shown(template, asked, add_generation_prompt=False) == theirs


def test_a_begun_answer_that_the_template_drops_is_refused():
    with pytest.raises(TemplateFault, match="leaves out the begun answer"):
        shown("{{ messages[0].content }}", BEGUN, add_generation_prompt=False)


def test_a_template_without_a_system_role_is_asked_without_it(child: TemplateChild):
    asked = [SYSTEM, *MESSAGES]
    how: Any = {"add_generation_prompt": True, "bos": "", "eos": ""}
    assert child.chat(CHATML, asked, **how)[1]
    text, complete = child.chat(REFUSES, asked, **how)
    assert not complete
    assert text == shown(CHATML)
    # One that says nothing and shows it nowhere.
    assert child.chat("{{ messages[1].content }}", asked, **how) == ("Hello <&>", False)
    with pytest.raises(TemplateFault, match="refuses these messages: never"):
        child.chat("{{ raise_exception('never') }}", asked, **how)


# Templates of tasks.


def test_a_tasks_template_reads_as_lm_evals(child: TemplateChild):
    from lm_eval.utils import apply_template

    document = {
        "q": "Is it?", "n": 3, "options": ["a", "b"], "d": datetime.date(2024, 1, 2), "x": 0.1,
        "none": None, "deep": {"l": [{"k": "v"}]},
    }  # fmt: skip
    for template in (
        "{{q}}\n", "{{n + 1}}", "{{options}}", "{{d}} {{x}} {{none}}", "{{deep.l[0].k}}",
        "{{q | regex_replace('i', 'o')}}", "{% set s = [] %}{% set _ = s.append(n) %}{{ s }}",
        "{{ options | join(', ') }}{{ '  ' }}", "plain",
    ):  # fmt: skip
        assert child.task(template, document) == apply_template(template, document)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ nothing }}", "fails: 'nothing' is undefined"),
        ("{{ cycler.__init__.__globals__.os.system('id') }}", "fails: access to attribute"),
        ("{{ 'x' * 1048577 }}", "renders more than 1,048,576 characters"),
        ("{{ [1] * 50000 }}", "renders a list of more than 65,536 characters"),
    ],
)
def test_a_tasks_template_is_bounded(child: TemplateChild, template: str, said: str):
    with pytest.raises(TemplateFault, match=f"^{re.escape(said)}"):
        child.task(template, {"q": 1})


def test_a_pattern_that_is_none_is_one_line_and_ends_nothing(child: TemplateChild):
    with pytest.raises(TemplateFault, match=r"^fails: missing \), unterminated"):
        child.search("(", "text")
    assert child.search("[e-x]{2}", "text")


def test_a_document_that_cannot_travel_is_one_line(child: TemplateChild):
    with pytest.raises(TemplateFault, match=r"^cannot be given its document"):
        child.task("{{ q }}", {"q": lambda: 1})


@pytest.mark.parametrize(
    ("template", "args", "end"),
    [
        ("{% for m in messages %}{{ m.content }}<|im_end|>\n{% endfor %}", {}, "<|im_end|>\n"),
        # White space before it is the answer's last, as a rule.
        ("{% for m in messages %}{{ m.content }}\n<end>\n{% endfor %}", {}, "<end>\n"),
        (
            "{% for m in messages %}{{ m.content | trim }}{{ end }}{% endfor %}",
            {"end": "<e>"},
            "<e>",
        ),
        ("{{ messages[0].content }}", {}, ""),
        ("{{ messages[-1].content }}", {}, ""),
    ],
)
def test_what_a_template_writes_after_an_answer(template: str, args: dict[str, str], end: str):
    assert _CHILD.turn_end(template, bos="", eos="", args=args) == end


def test_arguments_of_a_template():
    template = "{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}"
    for thinks, shown in ((True, "<think>"), (False, "")):
        text, _ = _CHILD.chat(
            template, MESSAGES[-1:], add_generation_prompt=True, bos="", eos="",
            args={"enable_thinking": thinks},
        )  # fmt: skip
        assert text == MESSAGES[-1]["content"] + shown
