"""Files from web servers (`https:`)."""

from __future__ import annotations

import http.client
import ipaddress
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from evals.errors import ArtifactError
from evals.fetch.allowance import allowance
from evals.fetch.cache import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from evals.fetch.allowance import Allowance
    from evals.fetch.cache import Progress

TIMEOUT_S = 60.0
"""Seconds without a byte after which a download ends."""


def url_file_name(url: str) -> str:
    """The last part of the URL's path.

    Raises:
        ArtifactError: not https (plain http is for this machine itself, where there is no wire to
            listen on), a password inside, or no file named.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ArtifactError(f"{url}: is not a URL: {error}") from error
    if parts.username or parts.password:
        raise ArtifactError(f"https://{parts.hostname}: a URL with a password in it is refused")
    if not _is_safe(url):
        raise ArtifactError(f"{url}: only https is fetched, and http from this machine itself")
    name = PurePosixPath(unquote(parts.path)).name
    if not parts.hostname or not name:
        raise ArtifactError(f"{url}: names no file on a server")
    return name


def is_public(address: str) -> bool:
    """True for an IP address of the open internet: not of this machine or its network."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found.is_global


def download_url(
    url: str,
    folder: Path,
    *,
    progress: Progress | None,
    public: Callable[[str], bool] = is_public,
) -> Path:
    """Stream a URL into a file of `folder`.

    Args:
        url: as `url_file_name` accepts it.
        folder: a scratch folder of this call alone.
        progress: told of each piece.
        public: tells an address of the open internet from one of a private network.

    Raises:
        ArtifactError: the server said no, went away, sent less than it announced or something
            else than the file, leads into a private network, is too slow, or sends too much.
    """
    name = url_file_name(url)
    target = folder / "body"
    limits = allowance(url)
    with _open(url, public) as answer, target.open("wb") as out:
        total = _announced(url, answer)
        limits.check_room(total, folder)
        done = 0
        while chunk := _read(url, answer, limits, done):
            out.write(chunk)
            done += len(chunk)
            if progress:
                progress(name, done, total)
    if total is not None and done != total:
        raise ArtifactError(f"{url}: broke off after {done} of {total} bytes; try again")
    return target


def _announced(url: str, answer: Any) -> int | None:
    """The size of the body, where the server says it."""
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise ArtifactError(
            f"{url}: the server sends it {coding}-encoded, which was not asked for; fetch it by "
            "hand, and name the file"
        )
    length = answer.headers.get("Content-Length")
    return int(length) if length and length.isdecimal() else None


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed, but never from https down to something weaker."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse what `url_file_name` would refuse."""
        if not _is_safe(newurl):
            raise ArtifactError(f"{req.full_url}: redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Way:
    """The addresses that one download connects to; it never leads from outside to inside.

    Checked on the connection itself, so that a name which resolves differently the second time
    gains nothing. Behind a proxy every connection is the proxy's, which then decides.
    """

    def __init__(self, url: str, public: Callable[[str], bool]) -> None:
        self._url, self._public = url, public
        self._began_outside: bool | None = None

    def check(self, connection: http.client.HTTPConnection) -> None:
        """Take the address that a new connection has reached.

        Raises:
            ArtifactError: the download began on the open internet and would go on in a private
                network.
        """
        address = connection.sock.getpeername()[0]
        outside = self._public(address)
        if self._began_outside is None:
            self._began_outside = outside
        elif self._began_outside and not outside:
            connection.close()
            raise ArtifactError(
                f"{self._url}: redirects to {connection.host} ({address}), an address of this "
                "machine or its network; if that is right, give that address itself"
            )


def _handlers(way: _Way) -> tuple[urllib.request.BaseHandler, ...]:
    """HTTP and HTTPS whose every new connection is shown to `way`."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            way.check(self)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            way.check(self)

    class ByHttp(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class ByHttps(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req)

    return ByHttp(), ByHttps(), _SafeRedirects()


def _open(url: str, public: Callable[[str], bool]) -> Any:
    opener = urllib.request.build_opener(*_handlers(_Way(url, public)))
    request = urllib.request.Request(url, headers={"User-Agent": "weighin"})  # noqa: S310  # only https gets here
    try:
        return opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise ArtifactError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise ArtifactError(f"{url}: cannot be reached: {error.reason}") from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise ArtifactError(f"{url}: cannot be reached: {error}") from error


def _read(url: str, answer: Any, limits: Allowance, done: int) -> bytes:
    """Read what has come; a failing connection is told apart from a failing disk, both OSErrors.

    `read1`, as `read` would wait for a whole piece from a server that sends a byte a minute.
    """
    try:
        chunk = bytes(answer.read1(CHUNK_BYTES))
    except (http.client.HTTPException, OSError) as error:
        raise ArtifactError(f"{url}: the connection broke: {error}; try again") from error
    limits.check(done + len(chunk))
    return chunk
