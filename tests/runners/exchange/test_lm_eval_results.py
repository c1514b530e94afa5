"""Results of lm-eval as records; what lm-eval itself writes is read in `test_cli_gate.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runners.exchange.lm_eval import Imported, read_results

RUN = "20260101T000000-m-0123456789abcdef"


def sample(doc_id: int, choices: int, *, mutual_information: bool) -> dict[str, Any]:
    """One line of lm-eval's samples: each choice after its context, then each alone."""
    contexts = ["Q:", ""] if mutual_information else ["Q:"]
    asked = [(context, f" {n}") for context in contexts for n in range(choices)]
    metrics = {"acc": 1.0, **({"acc_mutual_info": 0.0} if mutual_information else {})}
    return {
        "doc_id": doc_id, "doc": {}, "target": "0", "filter": "none", "metrics": list(metrics),
        "arguments": {f"gen_args_{n}": {"arg_0": context, "arg_1": choice}
                      for n, (context, choice) in enumerate(asked)},
        "resps": [[["-1.0", "False"]] for _ in asked], **metrics,
    }  # fmt: skip


def imported(folder: Path, lines: list[dict[str, Any]], **config: Any) -> Imported:
    """What is read of lm-eval's results of a task `t` with these samples.

    Args:
        folder: to write the files into.
        lines: one sample each.
        config: of the task, beside its name and kind.
    """
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "samples_t_now.jsonl").write_text(text)
    results = {
        "results": {"t": {"acc,none": 1.0, "acc_stderr,none": 0.0}}, "n-shot": {"t": 0},
        "configs": {"t": {"task": "t", "output_type": "multiple_choice", **config}},
        "config": {"model": "m"}, "higher_is_better": {"t": {"acc": True}}, "date": 1.0,
    }  # fmt: skip
    path = folder / "results_now.json"
    path.write_text(json.dumps(results))
    return read_results(path, name=None, new_run_id=lambda *_: RUN, command="weighin")


@pytest.mark.parametrize("mutual_information", [False, True])
def test_chance_counts_choices_and_not_what_is_asked_of_each(
    tmp_path: Path, mutual_information: bool
):
    lines = [sample(n, c, mutual_information=mutual_information) for n, c in enumerate((3, 4))]
    found = imported(tmp_path, lines)
    # What was scored, in bytes: each request's last text.
    assert found.samples is not None
    sizes = [
        sum(len(texts["arg_1"].encode()) for texts in line["arguments"].values()) for line in lines
    ]
    assert found.samples.column("bytes").to_pylist() == sizes
    # (1/3 + 1/4) / 2; counting the six and eight requests gave half of it.
    assert found.record.accuracy["t"].chance == pytest.approx(0.2917, abs=1e-4)


def test_the_column_that_a_tasks_file_names_clusters_its_documents(tmp_path: Path):
    lines = [
        {**sample(n, 2, mutual_information=False), "doc": {"source": n // 2}} for n in range(4)
    ]
    found = imported(tmp_path, lines, metadata={"version": 1.0, "cluster": "source"})
    assert found.samples is not None
    first, second, third, fourth = found.samples.column("passage").to_pylist()
    assert first == second != third == fourth
