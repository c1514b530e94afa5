"""What `weighin show` says of the server that a run asked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runners.records.record import Record
    from runners.records.server import ServerInfo


def server_pairs(record: Record) -> list[tuple[str, Any]]:
    """Facts by name; none where the model was in a process of ours."""
    server = record.server
    if server is None:
        return []
    about = ", ".join(f"{key} {value}" for key, value in server.about.items())
    return [
        ("server", _server(server)),
        ("it says of the model", about or "nothing"),
        ("first answers", _signature(server)),
        ("requests", _requests(server)),
        ("log-likelihoods", _likelihoods(record)),
        *((f"{what} unknown", why) for what, why in server.unknown.items() if what != "energy"),
    ]


def _server(server: ServerInfo) -> str:
    named = " ".join(part for part in (server.kind, server.version) if part) or "never answered"
    where = f"{server.url}: " if server.url else ""
    others = [name for name in server.models if name != server.model]
    more = f" (beside {len(others)} others)" if others else ""
    return f"{where}{named}, model {server.model}{more}" if server.kind else f"{where}{named}"


def _signature(server: ServerInfo) -> str | None:
    """A digest by which two runs can be told to have asked one model."""
    if not server.answers:
        return None
    digest = hashlib.sha256("\n".join(server.answers).encode()).hexdigest()[:12]
    shown = ", ".join(repr(text[:24]) for text in server.answers)
    return f"{digest} ({shown}; the same model writes the same ones)"


def _requests(server: ServerInfo) -> str:
    met = ", ".join(f"{name} {n}" for name, n in sorted(server.outcomes.items()))
    again = f", {server.retries} sent again ({met}; none is in a time)" if server.retries else ""
    return f"{server.requests}{again}"


def _likelihoods(record: Record) -> str | None:
    engine = record.engine
    if engine is None:
        return None
    if engine.apart_nats is None:
        return f"by {engine.path}"
    return f"by {engine.path}, which passed the self-check within {engine.apart_nats:.2g} nats"
