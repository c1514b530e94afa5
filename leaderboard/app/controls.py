"""Controls that several panels have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from leaderboard import text
from leaderboard.app import readings, session
from leaderboard.rows.selection import Selection


def conditions() -> Selection | None:
    """Pick machine, suite, budget and builds, where there is something to pick.

    Returns:
        The rows measured under them; None, after saying how to fill the store, where it is empty.
    """
    selection = readings.selected(session.view())
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
    built = {runtime: names for runtime, names in selection.builds.items() if len(names) > 1}
    if not several and not built:
        return selection
    place, columns = selection.shared.place, iter(st.columns(len(several) + len(built)))
    chosen = {
        field: _pick(field, names, getattr(place, field), next(columns))
        for field, names in several.items()
    }
    builds = [
        _pick(f"build of {runtime}", names, _among(names, selection), next(columns))
        for runtime, names in built.items()
    ]
    found = _again(selection, chosen, builds)
    if found is not None and found.left_out:
        st.caption(text.markdown(_left_out(found)))
    return found


def _again(
    selection: Selection, chosen: Mapping[str, str], builds: Sequence[str]
) -> Selection | None:
    """The selection that was picked; the one that is there where nothing else was."""
    place = selection.shared.place
    moved = any(chosen[field] != getattr(place, field) for field in chosen)
    if not moved and set(builds) <= set(selection.shared.builds):
        return selection
    session.update(**chosen, builds=() if moved else tuple(builds))
    return readings.selected(session.view())


def _among(names: Mapping[str, str], selection: Selection) -> str:
    return next(name for name in names if name in selection.shared.builds)


def _left_out(selection: Selection) -> str:
    count = selection.left_out
    rows = "1 row was" if count == 1 else f"{count} rows were"
    return (
        f"{rows} measured here with another build of the runtime and left out: times and memory of "
        "two builds are never ranked together. Pick the build above."
    )


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
    """Warn of faults in the address and of records that cannot be read; draw nothing where there
    are none.
    """
    for problem in session.problems():
        st.warning(text.markdown(problem), icon=":material/link_off:")
    unread = readings.stores().notices
    if unread:
        count = f"{len(unread)} record{'s' if len(unread) > 1 else ''} cannot be shown"
        with st.expander(count, icon=":material/warning:"):
            lines = "".join(f"<li>{text.html(one.reason)}</li>" for one in unread)
            st.html(f'<ul class="notices">{lines}</ul>')
