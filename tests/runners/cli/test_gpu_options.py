"""Options of the command line that are about GPUs; nothing is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from evals.errors import RuntimeFailure, SpecError
from runners.cli import fit, run

FAKE = "name: fk\nruntime: fake\nsettings: {fake: {device: A card}}\n"


def invoked(command: click.Command, *arguments: str) -> Any:
    done = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def dry(tmp_path: Path, text: str, *options: str) -> dict[str, Any]:
    file = tmp_path / "fk.yaml"
    file.write_text(text)
    told = invoked(
        run.command, str(file), "--tasks", "arc_easy", "--dry-run", "--json",
        "--store", str(tmp_path / "store"), *options,
    )  # fmt: skip
    content: dict[str, Any] = json.loads(told)
    return content


def test_a_dry_run_names_the_gpu_or_says_why_there_is_none(tmp_path: Path):
    (job,) = dry(tmp_path, FAKE, "--gpu-layers", "all")["jobs"]
    assert job["gpu"] == "on FAKE0 (A card)"
    (job,) = dry(tmp_path, FAKE)["jobs"]
    assert job["gpu"] == ""
    without = FAKE.replace("{device: A card}", "{}")
    (job,) = dry(tmp_path, without, "--gpu-layers", "3")["jobs"]
    assert job["gpu"].startswith("fk asks for a GPU, and the installed fake can compute on none")


def test_none_takes_back_what_a_file_asks_for(tmp_path: Path):
    asks = FAKE.replace("settings: {", "settings: {gpu_layers: all, ")
    assert dry(tmp_path, asks)["jobs"][0]["gpu"] == "on FAKE0 (A card)"
    assert dry(tmp_path, asks, "--gpu-layers", "none")["jobs"][0]["gpu"] == ""


def test_a_budget_of_gpu_memory_is_said_to_be_checked(tmp_path: Path):
    budget = dry(tmp_path, FAKE, "--vram", "6GiB")["budget"]
    assert (budget["name"], budget["vram_bytes"]) == ("6gibvram", 6 * 2**30)
    assert budget["enforced"]["vram"] == "checked, not enforced"


@pytest.mark.parametrize("layers", ["most", "-1", "1.5", "٣"])
def test_layers_are_a_number_or_a_word(layers: str, tmp_path: Path):
    with pytest.raises(click.BadParameter, match="is none of all, none and a number"):
        dry(tmp_path, FAKE, "--gpu-layers", layers)


def test_a_runtime_without_layers_says_so(tmp_path: Path):
    (tmp_path / "m").mkdir()
    with pytest.raises(SpecError, match="runtime hf counts no layers"):
        dry(tmp_path, "name: fk\nruntime: hf\nweights: m\n", "--gpu-layers", "3")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--vram", "1GiB"), "--vram: needs --gpu"),
        (("--gpu", "--gpu-layers", "3"), "--gpu: finds the layers"),
    ],
)
def test_options_of_fit_that_do_not_go_together(options: tuple[str, ...], said: str):
    with pytest.raises(click.UsageError, match=said):
        invoked(fit.command, "smollm2-135m-instruct-q8_0", *options)


def test_a_fit_that_finds_no_gpu_fetches_nothing(tmp_path: Path):
    file = tmp_path / "fk.yaml"
    file.write_text("name: fk\nruntime: fake\n")
    with pytest.raises(RuntimeFailure, match="fk asks for a GPU"):
        invoked(fit.command, str(file), "--gpu", "--store", str(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_a_run_that_finds_no_gpu_fetches_nothing(tmp_path: Path):
    file = tmp_path / "fk.yaml"
    file.write_text("name: fk\nruntime: fake\nsettings: {gpu_layers: all}\n")
    with pytest.raises(RuntimeFailure, match="fk asks for a GPU"):
        invoked(run.command, str(file), "--tasks", "arc_easy", "--limit", "1",
                "--store", str(tmp_path / "store"))  # fmt: skip
    assert list((tmp_path / "store").glob("*/record.json")) == []
