"""Chat templates: what transformers would render, and what none may do."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from runners.worker import chat
from runners.worker.chat import ChatTemplateError, render

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


def shown(template: str, messages: list[dict[str, str]] = MESSAGES, **how) -> str:
    settings = {"add_generation_prompt": True, "bos": "<s>", "eos": "</s>", **how}
    return render(template, messages, **settings)


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
        "<|im_start|>assistant\n2<|im_end|>\n"
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
    with pytest.raises(ChatTemplateError, match="refuses these messages: Conversation roles must"):
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
    messages = [dict(MESSAGES[0])]
    with pytest.raises(ChatTemplateError, match=r"^the model's chat template fails: [^\n]*$"):
        shown(template, messages)
    assert messages == MESSAGES


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
    with pytest.raises(ChatTemplateError) as caught:
        shown(template)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_a_huge_template_is_refused_unread():
    with pytest.raises(ChatTemplateError, match="characters is refused"):
        shown("x" * (chat.MAX_TEMPLATE_CHARACTERS + 1))
    assert len(shown("x" * chat.MAX_TEMPLATE_CHARACTERS)) == chat.MAX_TEMPLATE_CHARACTERS


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}" + "x" * 99 + "{% endfor %}",
        "{{ 'x' * 5000000 }}",
        "{% set ns = namespace(t='x') %}{% for i in range(23) %}{% set ns.t = ns.t + ns.t %}"
        "{% endfor %}{{ ns.t }}",
    ],
)
def test_a_huge_prompt_is_refused(template):
    with pytest.raises(ChatTemplateError, match="more than 4194304 characters"):
        shown(template)


def test_what_would_take_memory_is_refused_before_it_does():
    # A constant, which Jinja works out while it parses; and the same at run time.
    for template in ("{{ (7 ** 99999999) % 2 }}", "{% set n = 10 ** 9 %}{{ ('x' * n) | length }}"):
        with pytest.raises(ChatTemplateError, match="more than 4194304 characters"):
            shown(template)


NESTED = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "template",
    [
        NESTED,
        "{% for i in range(99999) %}{{ range(99999) | sum and '' }}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
        "{{ m(60) }}",
    ],
    ids=["loops", "filters", "macros"],
)
def test_an_endless_template_is_interrupted(template):
    started = time.monotonic()
    with pytest.raises(ChatTemplateError, match=r"takes longer than 0\.2 s"):
        shown(template, limit_s=0.2)
    assert time.monotonic() - started < 5


def test_the_limit_is_two_seconds_unless_told():
    assert chat.MAX_RENDER_S == render.__kwdefaults__["limit_s"] == 2.0


def test_the_alarm_is_put_back():
    def other(_signal: int, _frame: object) -> None: ...

    before = signal.signal(signal.SIGALRM, other)
    try:
        shown(CHATML, limit_s=0.2)
        with pytest.raises(ChatTemplateError):
            shown(NESTED, limit_s=0.2)
        assert signal.getsignal(signal.SIGALRM) is other
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_another_thread_renders_without_a_limit():
    # Alarms belong to the main thread; there it must not fail for want of one.
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(shown("{{ bos_token }}", limit_s=0.001)))
    thread.start()
    thread.join()
    assert found == ["<s>"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ '%1000000000d' % 1 }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'x'.zfill(1000000000) }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 'x' | indent(1000000000, first=true) }}",
    ],
)
def test_a_width_beyond_any_prompt_is_refused(template):
    with pytest.raises(ChatTemplateError, match="more than 4194304 characters"):
        shown(template)


def test_ordinary_widths_are_kept():
    assert shown("{{ '%5d' % 7 }}{{ 'x'.ljust(3) }}|{{ 'a' | center(3) }}") == "    7x  | a "
