"""Thought and answer of whole texts, of texts in pieces, and what templates say of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.engine.thought import (
    FORMATS,
    HARMONY,
    Marks,
    ThoughtWatcher,
    find_marks,
    joined,
    separate,
    thinking_for,
)

THINK = Marks(start="<think>", end="</think>")


def told(marks: Marks = THINK, *, prompt: str = "assistant\n"):
    return thinking_for(marks, prompt, 100)


@pytest.mark.parametrize(
    ("template", "end", "marks"),
    [
        ("{{ '<|channel|>analysis<|message|>' }}", None, HARMONY),
        ("{% if '</think>' in content %}", None, THINK),
        ("{{ '<|channel>thought\n<channel|>' }}", None, ("<|channel>thought", "<channel|>")),
        ("[THINK]…[/THINK]", None, ("[THINK]", "[/THINK]")),
        ("{{ message.content }}", None, None),
        ("", None, None),
        # The candidate's own word, with or without a template that knows it.
        ("", "</think>", THINK),
        ("{% if '</think>' in content %}", "</plan>", ("<plan>", "</plan>")),
        ("", "[/PLAN]", ("[PLAN]", "[/PLAN]")),
        ("", "Answer:", ("", "Answer:")),
        ("{% if '</think>' in content %}", "", None),
    ],
)
def test_a_template_tells_the_marks(template, end, marks):
    found = find_marks(template, end)
    expected = Marks(start=marks[0], end=marks[1]) if isinstance(marks, tuple) else marks
    assert found == expected


@pytest.mark.parametrize(
    ("marks", "prompt", "opened"),
    [
        (THINK, "<|im_start|>assistant\n", False),
        (THINK, "<|im_start|>assistant\n<think>\n", True),
        # Thinking switched off: the template has closed it again.
        (THINK, "<|im_start|>assistant\n<think>\n\n</think>\n\n", False),
        # What a user quotes is not what the template opens.
        (THINK, "what does <think> mean?<|im_end|>\nassistant\n", False),
        (FORMATS[1], "<|turn>model\n<|channel>thought\n<channel|>", False),
        (FORMATS[1], "<|turn>model\n<|channel>thought\n", True),
        (Marks(start="", end="Answer:"), "anything", True),
    ],
)
def test_a_prompt_may_open_a_thought(marks, prompt, opened):
    asked = thinking_for(marks, prompt, 7)
    assert asked is not None
    assert (asked.opened, asked.max_tokens) == (opened, 7)


@pytest.mark.parametrize(
    ("raw", "prompt", "thought", "answer"),
    [
        ("<think>it is 7</think>\n\nIt is 18.", "", "it is 7", "It is 18."),
        # No opening tag: the prompt has it.
        ("it is 7</think>It is 18.", "<think>\n", "it is 7", "It is 18."),
        # No thought at all; an answer by itself keeps its white space, as in lm-eval.
        (" It is 18.", "", "", " It is 18."),
        # Never ended: all of it is thought.
        ("<think>it is 7", "", "it is 7", ""),
        ("it is 7", "<think>\n", "it is 7", ""),
        # lm-eval: the answer follows the last end.
        ("<think>7</think>8</think> 18", "", "7", "18"),
        # It thinks again, and does not come to an end.
        ("<think>7</think> <think>8", "", "7", ""),
        # A tag within an answer begins no thought.
        ("write <think> first", "", "", "write <think> first"),
        # An end without a beginning still ends a thought.
        ("it is 7</think>18", "", "it is 7", "18"),
        ("", "", "", ""),
    ],
)
def test_thought_and_answer(raw, prompt, thought, answer):
    assert separate(raw, told(prompt=prompt)) == (thought, answer)


@pytest.mark.parametrize(
    ("raw", "thought", "answer"),
    [
        (
            "<|channel|>analysis<|message|>It is 7.<|end|><|start|>assistant"
            "<|channel|>final<|message|>It is 18.",
            "analysis<|message|>It is 7.<|end|><|start|>assistant",
            "It is 18.",
        ),
        ("<|channel|>final<|message|>18", "", "18"),
        # A format of the answer stands between channel and text.
        ("<|channel|>final <|constrain|>json<|message|>{}", "", "{}"),
        # `<|end|>` ends no generation: what comes after it is no answer.
        ("<|channel|>final<|message|>18<|end|><|start|>assistant", "", "18"),
        ("<|channel|>analysis<|message|>It is 7.", "analysis<|message|>It is 7.", ""),
        ("<|channel|>commentary<|message|>I call", "commentary<|message|>I call", ""),
    ],
)
def test_harmony(raw, thought, answer):
    assert separate(raw, told(HARMONY)) == (thought, answer)


def test_without_marks_everything_is_the_answer():
    assert separate(" <think>7</think>18", None) == ("", " <think>7</think>18")


def test_a_thought_that_a_server_hands_over_by_itself():
    raw = joined("it is 7", "It is 18.", THINK)
    assert raw == "<think>it is 7</think>It is 18."
    assert separate(raw, told()) == ("it is 7", "It is 18.")
    assert joined("", "It is 18.", THINK) == "It is 18."


def test_a_mark_over_several_pieces():
    watcher = ThoughtWatcher(told())
    seen = []
    for piece in ["<th", "ink", ">", "7</", "think", ">\n1", "8"]:
        watcher.add(piece)
        seen.append((watcher.undecided, watcher.thinking, watcher.answer_at))
    # "<think>" is 7 characters, "7" one and "</think>" 8: the answer begins at 16.
    assert seen == [
        (True, False, 0), (True, False, 0), (False, True, 0), (False, True, 0), (False, True, 0),
        (False, False, 16), (False, False, 16),
    ]  # fmt: skip


def test_what_a_thought_does_not_begin_with_is_decided_at_once():
    watcher = ThoughtWatcher(told())
    watcher.add("<")
    assert watcher.undecided
    watcher.add("b>")
    assert not watcher.undecided


@given(
    pieces=st.lists(
        st.sampled_from(["<think>", "</think>", "<", "think>", "</", " ", "7", "\n", "é"]),
        max_size=12,
    ),
    prompt=st.sampled_from(["", "<think>\n"]),
)
def test_pieces_say_what_the_whole_says(pieces, prompt):
    watcher = ThoughtWatcher(told(prompt=prompt))
    for piece in pieces:
        watcher.add(piece)
    whole = ThoughtWatcher(told(prompt=prompt))
    whole.add("".join(pieces))
    assert (watcher.answer_at, watcher.thinking) == (whole.answer_at, whole.thinking)
    _, answer = separate("".join(pieces), told(prompt=prompt))
    if watcher.answer_at and not watcher.thinking:
        assert answer == "".join(pieces)[watcher.answer_at :].lstrip()
        # lm-eval's own rule (`postprocess_generated_text`).
        assert answer == "".join(pieces).split("</think>")[-1].lstrip()
