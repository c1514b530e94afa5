"""The side bar of the overview: what one has, what is asked for, and what counts how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import session
from leaderboard.pages.overview.slider_stops import Offers, format_parameters
from leaderboard.rows.view import MOST_WEIGHT, UNLIMITED
from leaderboard.units import format_number

ANY = "any"


def controls(offers: Offers) -> None:
    """Draw the side bar and take what was chosen into the view."""
    with st.sidebar:
        st.subheader("What you have")
        chosen = {
            "memory_mib": _slider("memory, MiB", "memory_mib", offers.memory_mib),
            "disk_mib": _slider("disk, MiB", "disk_mib", offers.disk_mib),
        }
        st.subheader("What it must do")
        chosen |= {
            "decode_tokens_per_s": _slider(
                "decode, tokens/s", "decode_tokens_per_s", offers.decode_tokens_per_s, most=False
            ),
            "ttft_p95_ms": _slider("time to first token (p95), ms", "ttft_p95_ms",
                                   offers.ttft_p95_ms),
            "accuracy_percent": _slider(
                "accuracy, %", "accuracy_percent", offers.accuracy_percent, most=False
            ),
        }  # fmt: skip
        st.subheader("What may be chosen")
        names = {
            "licences": _names("licence", "licences", offers.licences),
            "families": _names("family", "families", offers.families),
            "runtimes": _names("runtime", "runtimes", offers.runtimes),
        }
        chosen |= {
            "parameters_m": _slider(
                "parameters", "parameters_m", offers.parameters_m, show=format_parameters
            ),
            "bits": _slider("bits per weight", "bits", offers.bits),
        }
        weights = _weights(offers.tasks)
        session.update(**chosen, **names, weights=weights)
        st.button(
            "Take all filters off",
            on_click=session.take_off,
            args=(UNLIMITED,),
            key=session.key("off"),
        )


def _slider(
    label: str,
    field: str,
    stops: Sequence[float],
    *,
    most: bool = True,
    show: Callable[[float], str] = format_number,
) -> float | None:
    """A limit; `any` lies at the end where the limit would be widest."""
    options = [*stops, None] if most else [None, *stops]
    found: float | None = st.select_slider(
        f"{label}, {'at most' if most else 'at least'}",
        options,
        value=getattr(session.view(), field),
        format_func=lambda value: ANY if value is None else show(value),
        key=session.key(field),
        disabled=not stops,
    )
    return found


def _names(label: str, field: str, known: Sequence[str]) -> tuple[str, ...]:
    chosen = getattr(session.view(), field)
    if len(known) < 2 and not chosen:
        return ()
    picked = st.multiselect(
        label,
        known,
        default=list(chosen),
        format_func=text.plain,
        placeholder=ANY,
        key=session.key(field),
    )
    return tuple(picked)


def _weights(tasks: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """How much each task counts; those that count 1 are not written down."""
    given = dict(session.view().weights)
    changed = sum(weight != 1 for weight in given.values())
    title = f"Tasks and their weights ({changed} changed)" if changed else "Tasks and their weights"
    with st.expander(title):
        st.caption("0 leaves a task out; 2 has it count twice.")
        found = {
            task: st.number_input(
                text.markdown(task),
                min_value=0.0,
                max_value=MOST_WEIGHT,
                step=0.5,
                value=given.get(task, 1.0),
                format="%g",
                key=session.key(f"weight:{task}"),
            )
            for task in tasks
        }
    return tuple((task, weight) for task, weight in found.items() if weight != 1)
