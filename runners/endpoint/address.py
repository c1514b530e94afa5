"""The address of a server: `http://host:8000/v1`, without credentials."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens, and the path that its API begins with."""

    scheme: str
    """http or https."""
    host: str
    port: int
    path: str = ""
    """Begins with a slash and ends without one; empty for the root."""

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def place(self) -> str:
        """Host and port, as in a machine's name."""
        return f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """The whole address, in one spelling."""
        return self.origin + self.path


def read_address(text: str) -> Address:
    """Take an address apart.

    Raises:
        ValueError: it is none, or carries what may be a secret (a user, a password, a query).
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no address of a server: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("is no address of a server; write it like http://127.0.0.1:8000/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "carries a user or a password, which would be kept in records; "
            "put the key into a variable and name that as api_key_env"
        )
    if parts.query or parts.fragment:
        raise ValueError('carries a query ("?…") or a fragment ("#…"); leave it out')
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in text.strip()):
        raise ValueError("has a space or a control character in it")
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        path=parts.path.rstrip("/"),
    )
