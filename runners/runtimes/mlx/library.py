"""Import MLX and mlx-lm as a Mac without torch has them."""

from __future__ import annotations

import os
import sys

# Read when the libraries are imported: this process has no business on the network.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_TELEMETRY="1")


def _leave_out_torch() -> None:
    """Keep torch out of a measured process.

    mlx-lm imports transformers for its tokenizers, and that imports torch where it finds one: 180
    MiB that no model of MLX uses. Elsewhere than in a worker somebody else may need it.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name == "runners.worker.__main__":
        sys.modules.setdefault("torch", None)  # type: ignore[arg-type]  # how Python says: not here


_leave_out_torch()

import mlx.core  # noqa: E402
import mlx_lm  # noqa: E402
import transformers  # noqa: E402
from mlx_lm.models import cache as caches  # noqa: E402
from mlx_lm.utils import get_total_parameters, load_config, load_model  # noqa: E402

transformers.utils.logging.disable_progress_bar()

__all__ = [
    "caches",
    "get_total_parameters",
    "load_config",
    "load_model",
    "mlx",
    "mlx_lm",
    "transformers",
]
