"""Keep lm-eval and datasets silent, and off the network, while they load.

Also the switch that keeps them off the network, because both must be thrown before the libraries
are imported.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TALKATIVE = ("lm_eval", "datasets", "huggingface_hub", "evaluate", "httpx", "fsspec")


def go_offline() -> None:
    """Forbid every request to the Hugging Face hub, for the rest of this process.

    The two libraries read their environment when they are imported; where that has happened
    already, the constants that they read it into are set as well.
    """
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    for module in ("huggingface_hub.constants", "datasets.config"):
        if module in sys.modules:
            vars(sys.modules[module])["HF_HUB_OFFLINE"] = True


@contextlib.contextmanager
def quiet_harness() -> Iterator[None]:
    """Inside: no log records below ERROR, no warnings, no progress bars and no cached maps of
    datasets.

    What a task prints goes to stderr, since stdout carries data.
    """
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        import datasets  # its import sets its logger's level, so it comes before ours

        # What `map` makes is cached by the name of the function, which stays when its text changes.
        if datasets.is_caching_enabled():
            stack.callback(datasets.enable_caching)
            datasets.disable_caching()
        if not datasets.are_progress_bars_disabled():
            stack.callback(datasets.enable_progress_bars)
            datasets.disable_progress_bars()
        for logger in loggers:
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        yield
