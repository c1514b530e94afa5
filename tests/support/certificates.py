"""A certificate of 127.0.0.1 for tests that nobody trusts, and its key, which guards nothing.

Made once with `openssl ca -selfsign`, valid from 2020 to 2120.
"""

import ssl
from pathlib import Path

CERTIFICATE = """
MIIBdzCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOoEVLqjlMMwfLC/
qRfwEGvWwcYFmrZJtAsi9BzJyvo0Cyt/rZJkuBXqsI1oYsSCNvdvjS4dLnhvv69u
iY7Bb2yjXjBcMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMBoGA1Ud
EQQTMBGHBH8AAAGCCWxvY2FsaG9zdDAdBgNVHQ4EFgQUrp41FNY/6eXayTzdEPro
jD55SWcwCgYIKoZIzj0EAwIDSAAwRQIgGLSRVaFgYBsmzFwTlvolyu0ii6EmOGMS
NPaPiCWZz3ACIQD+8i83oTmB2MLi4GkofDqvNbh5+I5M41JV4m1Ylwkj8Q==
"""
KEY = """
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiD7FxG7OO/qj2L1k
DKzCtA/Cz8FulE2RppZUg4om7JehRANCAATqBFS6o5TDMHywv6kX8BBr1sHGBZq2
SbQLIvQcycr6NAsrf62SZLgV6rCNaGLEgjb3b40uHS54b7+vbomOwW9s
"""


def server_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A TLS context of a server, and the file of its certificate, written into the folder."""
    certificate = _pem(folder / "certificate.pem", "CERTIFICATE", CERTIFICATE)
    key = _pem(folder / "key.pem", "PRIVATE KEY", KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def _pem(path: Path, kind: str, body: str) -> Path:
    path.write_text(f"-----BEGIN {kind}-----{body}-----END {kind}-----\n")
    return path
