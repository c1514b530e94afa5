"""Limits of a download as a whole: bytes and seconds."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals.errors import ArtifactError
from evals.quantities import format_size, parse_bytes, parse_seconds

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 128 << 30
"""Twice the size of 32 billion parameters at 16 bits."""
MAX_S = 12 * 3600.0
BYTES_VARIABLE, SECONDS_VARIABLE = "WEIGHIN_MAX_DOWNLOAD", "WEIGHIN_DOWNLOAD_TIMEOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The size and the end that one download must keep to, from when it was asked for."""

    uri: str
    most_bytes: int
    most_s: float
    started_s: float
    """Moment when the download was asked for, on the clock of `time.monotonic`."""

    @property
    def left_s(self) -> float:
        """Seconds until the download must have ended; at least 0."""
        return max(0.0, self.started_s + self.most_s - time.monotonic())

    def check(self, done_bytes: int, total_bytes: int | None = None) -> None:
        """Refuse a download that is too large or takes too long.

        Args:
            done_bytes: received so far.
            total_bytes: what the sender announces; None where it does not say.

        Raises:
            ArtifactError: it is over one of the two limits.
        """
        size = max(done_bytes, total_bytes or 0)
        if size > self.most_bytes:
            raise ArtifactError(
                f"{self.uri}: is larger than {format_size(self.most_bytes)} "
                f"({size:,} bytes); {BYTES_VARIABLE} raises this limit"
            )
        if not self.left_s:
            raise ArtifactError(
                f"{self.uri}: not here after {self.most_s:g} s ({done_bytes:,} bytes came); try "
                f"again, or give it more time: {SECONDS_VARIABLE}=SECONDS"
            )

    def check_room(self, total_bytes: int | None, folder: Path) -> None:
        """Refuse before the first byte what the limits or the disk would refuse after the last.

        Raises:
            ArtifactError: too large for the limit, or for what is free on the folder's disk.
        """
        self.check(0, total_bytes)
        free = shutil.disk_usage(folder).free
        if total_bytes is not None and total_bytes > free:
            raise ArtifactError(
                f"{self.uri}: is {total_bytes:,} bytes, and the disk of the cache has {free:,} "
                "free; free some space, or set WEIGHIN_CACHE to a folder on another disk"
            )


def allowance(uri: str) -> Allowance:
    """The limits, from the environment or the defaults, for a download that begins now.

    Raises:
        ArtifactError: one of the two environment variables holds no size or no time.
    """
    try:
        most_bytes = parse_bytes(os.environ.get(BYTES_VARIABLE) or MAX_BYTES)
        most_s = parse_seconds(os.environ.get(SECONDS_VARIABLE) or str(MAX_S))
    except ValueError as error:
        raise ArtifactError(f"{BYTES_VARIABLE}, {SECONDS_VARIABLE}: {error}") from error
    return Allowance(uri=uri, most_bytes=most_bytes, most_s=most_s, started_s=time.monotonic())
