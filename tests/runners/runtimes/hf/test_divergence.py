"""Divergence of a model in bfloat16 from itself in float32, against torch's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runners.worker import protocol

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")  # transformers' own

TEXT = "the clerk put the apples on the scale and wrote down their weight one two three four "
WINDOW = 24


def by_torch(folder: Path, dtype: Any, tokens: list[int]) -> Any:
    """Log-probabilities of the window's second half, in float64."""
    import transformers

    network = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    with torch.inference_mode():
        logits = network(torch.tensor([tokens])).logits[0]
    return torch.log_softmax(logits[WINDOW // 2 : WINDOW - 1].double(), dim=-1)


@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_divergence_is_torchs(
    name: str, loaded: Callable[..., Any], tiny: Callable[[str], Path], tmp_path: Path
):
    kept, asked = str(tmp_path / "logits"), {"text": TEXT * 4, "window": WINDOW}
    exact = loaded(name)
    said = exact.diverge(protocol.Diverge(**asked, keep=kept))
    assert (said.positions, said.kl_nats, said.same_top) == (11, [], [])
    rounded = loaded(name, dtype="bfloat16")
    found = rounded.diverge(protocol.Diverge(**asked, reference=kept))
    tokens = exact.loaded.text.encode(TEXT * 4, True)[:WINDOW]
    p, q = (by_torch(tiny(name), dtype, tokens) for dtype in (torch.float32, torch.bfloat16))
    kl = torch.nn.functional.kl_div(q, p, log_target=True, reduction="none").sum(dim=-1)
    assert found.kl_nats == pytest.approx(kl.tolist(), rel=0.02, abs=1e-4)
    assert sum(found.kl_nats) > 1e-5  # there is something to compare
    assert found.same_top == (p.argmax(-1) == q.argmax(-1)).tolist()
    itself = exact.diverge(protocol.Diverge(**asked, reference=kept))
    assert max(map(abs, itself.kl_nats)) < 1e-4
    assert all(itself.same_top)
