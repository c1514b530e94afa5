"""One answer out of a stream of pieces: its text, why it ended, and when its pieces came."""

from __future__ import annotations

from dataclasses import dataclass

from runners.endpoint.asking import Dialect, Piece, Scored, Usage
from runners.endpoint.client import Streamed
from runners.endpoint.events import json_object
from runners.endpoint.faults import EndpointError
from runners.endpoint.words import said_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One streamed answer; seconds are counted from the first byte sent."""

    text: str
    reasoning: str
    """Thought that the server told apart from the answer."""
    stop: str
    """`stop`, `length`, another word of the server's, or empty where it gave none."""
    usage: Usage
    started_ns: int
    """`time.perf_counter_ns` right before the first byte was sent."""
    piece_s: tuple[float, ...]
    """Moments of the events with text, be it thought or answer, that is not empty."""
    first_answer: int | None
    """Index in `piece_s` of the first event with text of the answer; None: there was none."""
    pieces: tuple[str, ...]
    """Text of the answer in each of them, the same length; empty in one of thought."""
    end_s: float
    """Moment of the last event."""
    logprobs: tuple[Scored, ...] = ()
    model: str = ""

    @property
    def first_s(self) -> float | None:
        """Time to first token: the first event with text that is not empty."""
        return self.piece_s[0] if self.piece_s else None

    @property
    def cut(self) -> bool:
        """True: the limit of tokens ended it."""
        return self.stop == "length"


def read_answer(dialect: Dialect, streamed: Streamed) -> Answer:
    """Put the pieces of a stream together.

    Raises:
        EndpointError: an event is no JSON object (`invalid JSON`), carries an error, or the stream
            ended without saying why (`body cut short`).
    """
    pieces = [(at_s, _piece(dialect, event.data)) for at_s, event in streamed.arrived]
    stop = next((piece.stop for _, piece in reversed(pieces) if piece.stop), "")
    if not stop and not streamed.done:
        raise EndpointError(
            "body cut short",
            f"body cut short: the stream ended after {len(pieces)} events without its last one",
        )
    shown = [(at_s, piece) for at_s, piece in pieces if piece.text or piece.reasoning]
    return Answer(
        text="".join(piece.text for _, piece in shown),
        reasoning="".join(piece.reasoning for _, piece in shown),
        stop=stop,
        usage=next((p.usage for _, p in reversed(pieces) if p.usage is not None), Usage()),
        started_ns=streamed.started_ns,
        piece_s=tuple(at_s for at_s, _ in shown),
        pieces=tuple(piece.text for _, piece in shown),
        first_answer=next((at for at, (_, piece) in enumerate(shown) if piece.text), None),
        end_s=pieces[-1][0] if pieces else 0.0,
        logprobs=tuple(one for _, piece in pieces for one in piece.logprobs),
        model=next((piece.model for _, piece in pieces if piece.model), ""),
    )


def _piece(dialect: Dialect, data: str) -> Piece:
    event = json_object(data)
    if event.get("error"):
        raise EndpointError("error in the answer", f"error in the answer: {said_by(data.encode())}")
    return dialect.piece(event)
