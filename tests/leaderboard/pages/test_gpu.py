"""GPU memory in rows, on the board's pages and in its presets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboard.pages.blocks import Code
from leaderboard.pages.candidate.gpu import gpu_grid, gpu_words
from leaderboard.pages.controls import Presets
from leaderboard.pages.measure.command import Asked, command
from leaderboard.pages.overview.columns import known_columns, shown_columns
from leaderboard.pages.overview.filters import presets
from leaderboard.pages.overview.use import use
from leaderboard.pages.presets import Preset, offered
from leaderboard.rows.address import read_query
from leaderboard.rows.conditions import conditions, why_unlike
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row
from leaderboard.rows.shown import applies, axes_of
from leaderboard.rows.view import View
from runners.cli.ending import presets as ending
from runners.compute.budget import Budget
from runners.measure.device_memory import UNIFIED
from runners.records.gpu import DeviceInfo, DevicePhaseInfo, GpuInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

MIB = 2**20
LAPTOP = Preset(name="laptop", memory_bytes=16 * 2**30)
GAMER = Preset(name="gamer", memory_bytes=16 * 2**30, vram_bytes=8 * 2**30)


def gpu(
    peak: int | None = 300 * MIB, name: str = "NVIDIA GeForce RTX 4090", **told: Any
) -> GpuInfo:
    phases = {
        "load": DevicePhaseInfo(peak_bytes=peak and peak // 2, own_bytes={"weights": 100 * MIB}),
        "latency": DevicePhaseInfo(
            peak_bytes=peak, own_bytes={"weights": 100 * MIB, "cache": 50 * MIB}
        ),
        "scoring": DevicePhaseInfo(peak_bytes=peak and 9 * peak, own_bytes={"weights": 900 * MIB}),
    }
    usual: dict[str, Any] = {
        "layers": 31, "layers_in_all": 33, "source": "NVML", "driver": "550.54.14",
    }  # fmt: skip
    device = DeviceInfo(name="CUDA0", description=name)
    return GpuInfo(devices=[device], phases=phases, **{**usual, **told})


def both(made: Maker) -> tuple[Row, Row]:
    return made.row("gpu", gpu=gpu()), made.row("cpu")


def test_a_row_has_the_peak_of_a_deployment_the_account_and_the_layers(made: Maker):
    one, other = both(made)
    # Of load, latency and generation; scoring keeps many sequences at once.
    assert one.value("vram") == 300 * MIB
    assert one.value("gpu_buffers") == 150 * MIB
    assert one.value("gpu_layers") == 31
    assert [other.value(key) for key in ("vram", "gpu_buffers", "gpu_layers")] == [None] * 3


def test_columns_and_axes_are_shown_where_some_candidate_was_on_a_gpu(made: Maker):
    rows = both(made)
    keys = {"vram", "gpu_buffers"}
    assert all(applies(METRICS[key], rows) for key in keys)
    assert not any(applies(METRICS[key], rows[1:]) for key in keys)
    assert keys <= set(axes_of(rows))
    assert not keys & set(axes_of(rows[1:]))
    shown = {one.key for one in shown_columns(known_columns(rows), (), rows)}
    assert {*keys, "gpu_layers"} <= shown
    assert not keys & {one.key for one in shown_columns(known_columns(rows[1:]), (), rows[1:])}


def test_a_limit_stands_in_the_address():
    view, problems = read_query({"vram_mib": ["6144"]})
    assert (view.limits, problems) == ((("vram", 6144.0),), ())


def test_one_setting_on_two_gpus_is_two_conditions(made: Maker):
    first, second = made.record(gpu=gpu()), made.record(gpu=gpu(name="Quadro"))
    assert conditions(first).devices == ("NVIDIA GeForce RTX 4090",)
    assert why_unlike(first, first) == ""
    assert why_unlike(first, second) == (
        "measured on unlike GPUs (NVIDIA GeForce RTX 4090; Quadro)"
    )


def test_a_computer_with_a_gpu_sets_both_limits_where_one_was_used(made: Maker):
    rows = both(made)
    assert offered([LAPTOP, GAMER], rows[1:]) == (LAPTOP,)
    assert offered([LAPTOP, GAMER], rows) == (LAPTOP, GAMER)
    (block,) = presets([LAPTOP, GAMER], View(), rows)
    assert isinstance(block, Presets)
    free, laptop, gamer = block.buttons
    # 80 % of 16 GiB; the GPU's memory is nobody else's. A laptop of which none is said has none.
    assert gamer[1:3] == (
        "gamer (16 GiB, GPU 8 GiB)", {"limits": (("memory", 13107), ("vram", 8192))},
    )  # fmt: skip
    assert laptop[2] == {"limits": (("memory", 13107), ("vram", 0))}
    assert free[2] == {"limits": ()}
    (again,) = presets([GAMER], View(limits=(("memory", 13107), ("vram", 8192))), rows)
    assert isinstance(again, Presets)
    assert [one[3] for one in again.buttons] == [False, True]


def test_the_ending_names_computers_whose_gpu_holds_it(made: Maker):
    budgets = [
        Budget.model_validate({"name": "plain-1gib", "memory": "1GiB"}),
        Budget.model_validate({"name": "small-gpu-1gib", "memory": "1GiB", "vram": "200MiB"}),
        Budget.model_validate({"name": "large-gpu-1gib", "memory": "1GiB", "vram": "1GiB"}),
    ]
    one, other = both(made)
    assert ending([other], budgets) == [(True, "plain-1gib: yes")]
    assert ending([one], budgets) == [
        (True, "large-gpu-1gib: yes"), (False, "plain-1gib, small-gpu-1gib: no"),
    ]  # fmt: skip
    apple = made.row("mac", gpu=gpu(None, unified=True, source=None, reason=UNIFIED))
    assert ending([apple], budgets)[0][0]
    # A card is here, and the runtime does not say what it put there.
    silent = {**made.base.software.said(), "tells_gpu": False}
    machine = made.base.machine.said()
    untold = made.row("vllm", software=silent, machine={**machine, "gpu": ("NVIDIA L4",)})
    assert ending([untold], budgets) == [(False, "plain-1gib: no")]
    alone = made.row("vllm", software=silent, machine={**machine, "gpu": ()})
    assert ending([alone], budgets) == [(True, "plain-1gib: yes")]


def test_the_candidates_page_has_devices_layers_and_phases():
    found = gpu()
    assert gpu_words(found) == "31 of 33 layers on NVIDIA GeForce RTX 4090 (CUDA0)."
    assert gpu_words(gpu(layers=0, layers_in_all=None)).startswith("0 layers on NVIDIA")
    unknown = gpu(layers=None, layers_unknown="the log does not count them")
    assert gpu_words(unknown) == (
        "On NVIDIA GeForce RTX 4090 (CUDA0); the log does not count them."
    )
    grid = gpu_grid(found)
    assert grid.caption == "GPU memory of one run; NVML; driver 550.54.14"
    assert [head.text for head in grid.heads] == ["phase", "peak", "weights", "cache"]
    assert [cell.text for cell in grid.rows[1]] == ["latency", "300", "100", "50.0"]
    nothing = gpu_grid(gpu(None, source=None, reason="no counter"))
    assert nothing.caption == "GPU memory of one run; no counter; driver 550.54.14"
    assert nothing.rows[0][1].hint == "no counter"


def test_commands_to_use_it_have_its_layers(made: Maker):
    told = {
        "runtime": "llamacpp", "source": "m.gguf",
        "settings": {"context": 512, "gpu_layers": 31, "device": "CUDA0"},
    }  # fmt: skip
    record = made.record(candidate=told)
    code = "\n".join(one.text for one in use(record.candidate) if isinstance(one, Code))
    assert "llama-server -m m.gguf -c 512 -ngl 31" in code
    assert "n_gpu_layers=31" in code
    assert "PARAMETER num_gpu 31" in code
    assert command(Asked(model="m.gguf", gpu_layers="all")) == (
        "weighin run m.gguf --gpu-layers all"
    )
