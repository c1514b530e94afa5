"""Answers that keep IFEval's instructions, for those of the suite's prompts that can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PLAIN = "This is the short and simple answer to what we were asked about today."
SPOKEN = {
    "hi": "यह एक छोटा और सरल उत्तर है जो आपके प्रश्न के लिए लिखा गया है।",
    "ko": "이것은 여러분의 질문에 대한 짧고 간단한 대답입니다.",
    "mr": "हे तुमच्या प्रश्नाचे छोटे आणि सोपे उत्तर आहे आणि ते मराठीत लिहिले आहे.",
    "ne": "यो तपाईंको प्रश्नको छोटो र सरल उत्तर हो र यो नेपालीमा लेखिएको छ।",
    "sw": "Hili ni jibu fupi na rahisi kwa swali lako ambalo limeandikwa kwa lugha ya Kiswahili.",
    "th": "นี่คือคำตอบที่สั้นและเรียบง่ายสำหรับคำถามของคุณ",
    "vi": "Đây là câu trả lời ngắn gọn và đơn giản cho câu hỏi của bạn.",
}


def kept(kinds: Sequence[str], told: Sequence[Mapping[str, Any]]) -> str:
    """A text that keeps to instructions.

    Args:
        kinds: IFEval's names of them, e.g. `punctuation:no_comma`.
        told: of each, its arguments; those that are None are not its own.
    """
    asked = {kind.partition(":")[2] for kind in kinds}
    args = {name: value for one in told for name, value in one.items() if value is not None}
    if "json_format" in asked:
        return '{"answer": "yes"}'
    often = [
        " ".join([one["keyword"]] * one["frequency"])
        for one in told
        if one.get("keyword") and one["relation"] == "at least"
    ]
    text = "\n\n".join(_paragraphs(asked, args, often))
    if "two_responses" in asked:
        text = f"{text}\n******\nAnother. {text}"
    if "repeat_prompt" in asked:
        text = f"{args['prompt_to_repeat']}\n\n{text}"
    if "end_checker" in asked:
        text += f"\n{args['end_phrase']}"
    if "english_capital" in asked:
        text = text.upper()
    if "english_lowercase" in asked:
        text = text.lower()
    return f'"{text}"' if "quotation" in asked else text


def _paragraphs(asked: set[str], args: Mapping[str, Any], often: list[str]) -> list[str]:
    plain = SPOKEN.get(args.get("language", ""), PLAIN)
    if args.get("keywords") and plain != PLAIN:
        plain = " ".join([plain] * 3)  # it must outweigh English words
    if "number_words" in asked and args["relation"] == "at least":
        plain = " ".join([plain] * (args["num_words"] // 12 + 1))
    n = args.get("num_paragraphs", 1)
    found = [plain] * n
    if "nth_paragraph_first_word" in asked:
        at = args["nth_paragraph"] - 1
        found[at] = f"{args['first_word']} {plain}"
    elif "number_paragraphs" in asked:
        found = [part for one in found for part in (one, "***")][:-1]
    found[0] = "\n".join([found[0], *often, *_more(asked, args)])
    return found


def _more(asked: set[str], args: Mapping[str, Any]) -> list[str]:
    """Lines beside the plain text."""
    lines = []
    if "letter_frequency" in asked:
        lines.append("".join([args["letter"]] * args["let_frequency"]))
    if "capital_word_frequency" in asked:
        lines.append(" ".join(["WORD"] * args["capital_frequency"]))
    lines += args.get("keywords", [])
    lines += [f"*part {n}*" for n in range(args.get("num_highlights", 0))]
    lines += [f"* point {n}" for n in range(args.get("num_bullets", 0))]
    lines += ["[place]"] * args.get("num_placeholders", 0)
    sections = range(1, args.get("num_sections", 0) + 1)
    lines += [f"{args['section_spliter']} {n} holds it." for n in sections]
    return [*lines, "<<A title>>"] if "title" in asked else lines
