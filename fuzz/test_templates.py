"""Templates that grow: whatever they call, each ends as a text or as a sentence, within its bounds.

Random compositions of what makes values large or slow in Jinja; `make fuzz` runs a few hundred,
since one may take its two seconds of a processor.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.tasks.template_child import CPU_S, MAX_CHARACTERS, MEMORY_BYTES
from evals.tasks.templates import WALL_S, TemplateChild, TemplateFault

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20000")) // 100
SIZES = st.sampled_from(["1", "40", "3000", "90000", "4000000", "10 ** 9", "10 ** 12"])
TEXTS = st.recursive(
    st.sampled_from(["'x'", "'<&>'", "messages[0].content", "'%90d'", "'é' * 4000", "''"]),
    lambda inner: st.one_of(
        st.tuples(inner, SIZES).map(lambda p: f"({p[0]} * {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} ~ {p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"{p[0]}.replace({p[1]}, {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}.join({p[1]})"),
        st.tuples(inner, SIZES).map(lambda p: f"{p[0]}.ljust({p[1]})"),
        st.tuples(inner, SIZES).map(lambda p: f"({p[0]} | center({p[1]}))"),
        st.tuples(inner, SIZES).map(lambda p: f"({p[0]} | indent({p[1]}, true))"),
        st.tuples(inner, SIZES).map(lambda p: f"{p[0]}.zfill({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}.translate({{120: {p[1]}}})"),
        st.tuples(inner, SIZES).map(lambda p: f"('{{:' ~ {p[1]} ~ '}}').format({p[0]})"),
        st.tuples(inner, SIZES).map(lambda p: f"('%' ~ {p[1]} ~ 'd') % 1 ~ {p[0]}"),
        st.tuples(inner, SIZES).map(lambda p: f"([{p[0]}] | batch({p[1]}, 'x') | list | string)"),
        st.tuples(inner, SIZES).map(lambda p: f"({{'a': {p[0]}}} | tojson(indent={p[1]}))"),
        st.tuples(inner, SIZES).map(lambda p: f"(range({p[1]}) | list | string ~ {p[0]})"),
        st.tuples(inner, SIZES).map(lambda p: f"({p[0]} ~ 7 ** ({p[1]}))"),
        inner.map(lambda text: f"({text} | wordwrap(1) | urlize | striptags)"),
        inner.map(lambda text: f"({text} | list | sort | join('yy') | upper)"),
    ),
    max_leaves=5,
)
BODIES = st.one_of(
    TEXTS.map(lambda text: f"{{{{ {text} }}}}"),
    TEXTS.map(lambda text: f"{{{{ ({text}) | length }}}}"),
    st.tuples(TEXTS, st.integers(1, 60)).map(
        lambda p: (
            f"{{% set ns = namespace(a={p[0]}) %}}{{% for i in range({p[1]}) %}}"
            "{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a | length }}"
        )
    ),
    st.tuples(TEXTS, SIZES, SIZES).map(
        lambda p: (
            f"{{% for i in range({p[1]}) %}}{{% for j in range({p[2]}) %}}"
            f"{{% if loop.last %}}{{{{ {p[0]} }}}}{{% endif %}}{{% endfor %}}{{% endfor %}}"
        )
    ),
    TEXTS.map(
        lambda text: (
            f"{{% macro m(n) %}}{{% if n %}}{{{{ m(n - 1) }}}}{{{{ m(n - 1) }}}}{{% endif %}}"
            f"{{{{ {text} }}}}{{% endmacro %}}{{{{ m(40) }}}}"
        )
    ),
)
SEEN: dict[str, int] = {}


@pytest.fixture(scope="module", autouse=True)
def figures() -> object:
    """Print how many templates ended in which way, once all are done."""
    yield
    sys.stderr.write(f"\ntemplates: {sum(SEEN.values())}, of which {SEEN}\n")


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith("VmHWM")), 0)


@settings(
    max_examples=max(20, EXAMPLES),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(BODIES)
def test_a_template_ends_within_its_bounds(template: str):
    messages = [{"role": "user", "content": "hi"}]
    started = time.monotonic()
    with TemplateChild() as child:
        try:
            text, _ = child.chat(
                template, messages, add_generation_prompt=True, bos="<s>", eos="</s>"
            )
            ended = "rendered"
            assert len(text) <= MAX_CHARACTERS["chat"]
        except TemplateFault as fault:
            said = str(fault)
            assert "\n" not in said
            assert "was killed" not in said
            assert not said.startswith("ended the process"), said
            ended = " ".join(said.split()[:3]).rstrip(":")
        if child._process is not None:
            assert peak_bytes(child._process.pid) <= MEMORY_BYTES
    assert time.monotonic() - started < WALL_S + CPU_S
    SEEN[ended] = SEEN.get(ended, 0) + 1
