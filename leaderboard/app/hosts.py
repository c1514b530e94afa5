"""Under which names the board answers.

A page elsewhere can have its own name point at this machine (DNS rebinding) and then read the
board from a visitor's browser, which takes both for one site. The name in the request's Host
header gives it away: it is that page's.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = "WEIGHIN_BOARD_HOSTS"
"""Environment variable: the names that the board answers to, a JSON list."""
EVERY = "*"
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\\\s]+)(?::[0-9]{1,5})?")
_REFUSED = (
    "This board does not answer to the name that it was asked for. Whoever serves it can allow "
    "the name: weighin board --allow-host NAME\n"
)


def names(address: str, allowed: Sequence[str]) -> list[str]:
    """The names to answer to, beside IP addresses: what was allowed, and the machine's own.

    Args:
        address: that the board listens on.
        allowed: by whoever serves it.
    """
    return sorted(
        {"localhost", address.lower(), socket.gethostname().lower(), *map(_folded, allowed)}
    )


def answers_to(host: str | None, known: Collection[str]) -> bool:
    """Say whether a request's Host header is one of the board's own.

    An IP address always is: no name was looked up, so none was rebound.

    Args:
        host: the header, a port included; None: there is none.
        known: names in small letters; `*`: every name.
    """
    found = _HOST.fullmatch(host or "")
    if not found:
        return False
    name = _folded(found["name"])
    return EVERY in known or name in known or _is_address(name.strip("[]"))


def _folded(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class KnownHostsOnly:
    """ASGI middleware: HTTP and WebSocket requests under another name get 403, and nothing else."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan" or _answered(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it is accepted: 403
        else:
            from starlette.responses import PlainTextResponse

            await PlainTextResponse(_REFUSED, status_code=403)(scope, receive, send)


def _answered(scope: Scope) -> bool:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    known = json.loads(os.environ[HOSTS])
    return len(hosts) == 1 and answers_to(hosts[0].decode("latin-1"), known)
