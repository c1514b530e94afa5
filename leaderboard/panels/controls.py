"""Controls that several panels have."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from leaderboard import text
from leaderboard.panels import readings, session
from leaderboard.selection import Selection, select


def conditions() -> Selection | None:
    """Pick machine, suite and budget, where there is something to pick.

    Returns:
        The rows measured under them; None, after saying how to fill the store, where it is empty.
    """
    selection = select(readings.rows(), session.view())
    if selection is None:
        empty()
        return None
    for problem in selection.problems:
        st.warning(text.markdown(problem), icon=":material/link_off:")
    offered = {
        "machine": selection.machines,
        "suite": selection.suites,
        "budget": selection.budgets,
    }
    several = {field: names for field, names in offered.items() if len(names) > 1}
    if not several:
        return selection
    chosen = {
        field: _pick(field, names, getattr(selection.conditions, field), column)
        for (field, names), column in zip(several.items(), st.columns(len(several)), strict=True)
    }
    if all(chosen[field] == getattr(selection.conditions, field) for field in chosen):
        return selection
    session.update(**chosen)
    return select(readings.rows(), session.view())


def _pick(
    field: str, names: Mapping[str, str], chosen: str, place: st.delta_generator.DeltaGenerator
) -> str:
    options = list(names)
    return place.selectbox(
        field,
        options,
        index=options.index(chosen),
        format_func=lambda value: text.plain(names[value]),
        key=session.key(field),
    )


def empty() -> None:
    """Say how to fill an empty store."""
    folders = ", ".join(readings.folders())
    st.subheader("No runs yet")
    st.markdown(f"There is no record in {text.markdown(folders)}. Fill it:")
    st.code("weighin run", language="bash")
    st.markdown(
        "measures the embedded model on the suite `quick`; `weighin run my-model.gguf` measures "
        "your own. What is measured appears here by itself when the page is next used; "
        "`weighin board --store DIR` shows another folder."
    )


def notices() -> None:
    """What is wrong with the address or with files of the stores; nothing where all is well."""
    for problem in session.problems():
        st.warning(text.markdown(problem), icon=":material/link_off:")
    unread = readings.stores().notices
    if unread:
        count = f"{len(unread)} record{'s' if len(unread) > 1 else ''} cannot be shown"
        with st.expander(count, icon=":material/warning:"):
            lines = "".join(f"<li>{text.html(one.reason)}</li>" for one in unread)
            st.html(f'<ul class="notices">{lines}</ul>')
