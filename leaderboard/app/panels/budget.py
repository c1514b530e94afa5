"""The side bar of the overview: what one has, what is asked for, and what counts how much."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import session
from leaderboard.pages.overview.slider_stops import Offers
from leaderboard.rows.metric import Limit, Metric
from leaderboard.rows.metrics import limited
from leaderboard.rows.view import MOST_WEIGHT, UNLIMITED

ANY = "any"


def controls(offers: Offers) -> None:
    """Draw the side bar and take what was chosen into the view."""
    with st.sidebar:
        st.subheader("Hardware limits")
        chosen = _sliders("have", offers)
        st.subheader("Requirements")
        chosen |= _sliders("do", offers)
        st.subheader("Model filters")
        names = {
            "licences": _names("licence", "licences", offers.licences),
            "families": _names("family", "families", offers.families),
            "runtimes": _names("runtime", "runtimes", offers.runtimes),
        }
        chosen |= _sliders("choose", offers)
        weights = _weights(offers.tasks)
        limits = [(one.key, chosen[one.key]) for one, _ in limited() if one.key in chosen]
        session.update(**names, limits=tuple(limits), weights=weights)
        st.button(
            "Reset filters",
            on_click=session.take_off,
            args=(UNLIMITED,),
            key=session.key("off"),
        )


def _sliders(part: str, offers: Offers) -> dict[str, float]:
    """The limits of one section that were set, by key of METRICS."""
    found = {
        metric.key: _slider(metric, limit, offers.stops[metric.key])
        for metric, limit in limited()
        if limit.part == part
    }
    return {key: value for key, value in found.items() if value is not None}


def _slider(metric: Metric, limit: Limit, stops: Sequence[float]) -> float | None:
    """A limit; `any` lies at the end where the limit would be widest."""
    most = metric.better == "lower"
    options = [*stops, None] if most else [None, *stops]
    found: float | None = st.select_slider(
        f"{'max' if most else 'min'} {limit.label}",
        options,
        value=session.view().limit(metric.key),
        format_func=lambda value: ANY if value is None else limit.show(value),
        key=session.key(limit.address),
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
    """Inputs for the weight of each task; those that weigh 1 are left out of the view."""
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
