"""Part of a record about several users of one server at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from runners.records.answers import SummaryInfo
from runners.records.parts import Part
from runners.records.values import Bytes, Count, Rate, Seconds, Size


class UserRequestsInfo(Part):
    """Requests that were sent within a window and answered: a column each number, an entry each
    request, in the order in which they were sent.
    """

    user: list[Count]
    """Number of the user, from 0."""
    workload: list[Count]
    """Index among the workloads."""
    sent_s: list[Seconds]
    """Seconds after the window began."""
    ttft_s: list[Seconds]
    """Time to first token."""
    tpot_s: list[Rate | None]
    """Time per output token; None for one token, and tokens that nobody counted."""
    e2el_s: list[Seconds]
    """Time to the last token."""
    tokens: list[Count | None]
    """Output tokens; None: the server does not count them."""

    @model_validator(mode="after")
    def _of_one_length(self) -> UserRequestsInfo:
        columns = (self.user, self.workload, self.sent_s, self.ttft_s, self.tpot_s, self.e2el_s,
                   self.tokens)  # fmt: skip
        if len({len(column) for column in columns}) > 1:
            raise ValueError("columns of another length")
        return self


class UsersLevelInfo(Part):
    """So many users at once: each sends its next request when the last was answered."""

    users: Annotated[Count, Field(ge=1)]
    error: str = ""
    """Why the level was not measured to its end; empty where it was."""
    slots: Count | None = None
    """Requests that the server works on at once; None: it does not say."""
    context: Count | None = None
    """Tokens that each of them may have; None: it does not say."""
    ready_s: Seconds | None = None
    """Seconds from the server's start for this level to its first token; None: it was not started
    for it."""
    seconds: Seconds | None = None
    """Length of the window."""
    sent: Count = 0
    """Requests sent within the window; each was followed to its end."""
    failed: dict[str, Count] = Field(default_factory=dict)
    """Outcome -> requests of these that failed; none of them is in a time."""
    ended_early: Count = 0
    """Requests that had fewer tokens than were asked for."""
    cached_tokens: Count | None = None
    """Most prompt tokens of a request that came from a cache; None: the server does not say."""
    request_throughput: Size | None = None
    """Requests that were answered within the window, whenever sent, by its seconds."""
    output_throughput: Size | None = None
    """Output tokens that came within the window, by its seconds; None: nobody counted them."""
    in_flight: Size | None = None
    """Requests under way, the mean over the window; less than the users where the client, or a
    pause after a failure, kept them from asking."""
    ttft_s: SummaryInfo | None = None
    """Time to first token, of the requests sent within the window."""
    itl_s: SummaryInfo | None = None
    """Gaps between output tokens of all requests; None where tokens came together."""
    tpot_s: SummaryInfo | None = None
    """Time per output token, a value a request."""
    e2el_s: SummaryInfo | None = None
    """Time to the last token."""
    requests: UserRequestsInfo | None = None
    """These requests one by one; those that failed are not among them."""
    client_cpus: Size | None = None
    """Cores that the client used, mean over the window."""
    client_lag_s: Seconds | None = None
    """95th percentile of how late a timer in the client woke: stamps may be as late."""
    others_cpus: Size | None = None
    """Cores that other processes used; None: this machine does not tell."""
    peak_bytes: Bytes | None = None
    """High-water mark of the server's process tree, from its start where it was started for the
    level."""
    anon_bytes: Bytes | None = None
    """Anonymous bytes when the level ended."""
    file_bytes: Bytes | None = None
    """File-backed bytes when the level ended."""
    group_peak_bytes: Bytes | None = None
    """Most bytes charged to its control group, under a memory budget."""
    memory_source: str = ""
    """Counter of the peak, or why there is none."""


class UsersInfo(Part):
    """Several users at once, level by level (docs/metrics.md)."""

    workloads: list[str]
    """Prompt + new tokens; each user takes all of them in turn, in a drawn order."""
    seconds: Seconds
    """Length of a window that was asked for."""
    deadline_ttft_s: Seconds
    """Deadline on the first token by which a request is good."""
    deadline_tpot_s: Rate
    """Deadline on the time per output token by which it is."""
    levels: Annotated[list[UsersLevelInfo], Field(max_length=64)]
    """Ascending; those after one that failed were not tried."""
