"""`tools/prebuilt.py`: the wheel that it makes of two archives; nothing is fetched here."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from runners.jobs.flags import PREBUILT

ROOT = Path(__file__).resolve().parents[1]
INFO = "llama_cpp_python-0.3.36.dist-info/"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


prebuilt = loaded(ROOT / "tools" / "prebuilt.py")


@pytest.fixture
def bindings() -> dict[str, bytes]:
    """Members of llama-cpp-python's wheel, the code that is changed being the installed one."""
    installed = Path(*importlib.util.find_spec("llama_cpp").submodule_search_locations)
    lookup = (installed / "_ctypes_extensions.py").read_text("utf-8")
    # Where the tests run with the prebuilt one, it is what it was.
    lookup = lookup.replace(prebuilt.LENIENT_LOOKUP, prebuilt.LOOKUP).replace(prebuilt.ABSENT, "")
    return {
        "llama_cpp/__init__.py": b'__version__ = "0.3.36"\n',
        "llama_cpp/_ctypes_extensions.py": lookup.encode(),
        INFO + "METADATA": b"Name: x\nVersion: 0.3.36\n\nVersion: 0.3.36 is told of.\n",
        INFO + "WHEEL": b"Root-Is-Purelib: true\n",
        INFO + "RECORD": b"stale",
    }


def archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def test_only_the_libraries_are_taken_and_under_the_names_that_are_asked_for():
    folder = "package/bins/linux-x64/"
    found = prebuilt.libraries(
        archive(
            {
                folder + "libllama.v0.5.0.so": b"llama",
                folder + "libggml.v0.5.0.so": b"ggml",
                folder + "libggml-base.so": b"base",
                folder + "libggml-cpu-zen4.so": b"zen4",
                folder + "libllama-common.so": b"of the addon",
                folder + "llama-addon.node": b"the addon",
                "package/dist/index.js": b"code",
                "../../libggml-evil.so/../x.js": b"code",
            }
        )
    )
    assert found == {
        "libllama.so": b"llama",
        "libggml.so": b"ggml",
        "libggml.v0.5.0.so": b"ggml",  # what libllama itself depends on
        "libggml-base.so": b"base",
        "libggml-cpu-zen4.so": b"zen4",
    }


def test_the_wheel_says_what_it_is_and_its_record_holds(bindings: dict[str, bytes]):
    files = prebuilt.derived(bindings, {"libllama.so": b"llama"})
    info = f"llama_cpp_python-{prebuilt.VERSION}.dist-info/"
    assert files["llama_cpp/lib/libllama.so"] == b"llama"
    assert f"\nVersion: {prebuilt.VERSION}\n\n".encode() in files[info + "METADATA"]
    assert b"Version: 0.3.36 is told of." in files[info + "METADATA"]
    assert f'\n__version__ = "{prebuilt.VERSION}"\n'.encode() in files["llama_cpp/__init__.py"]
    assert PREBUILT in prebuilt.VERSION  # by which a record's flag knows it
    lines = files[info + "RECORD"].decode().splitlines()
    assert lines.pop() == info + "RECORD,,"
    recorded = dict(line.split(",", 1) for line in lines)
    assert set(recorded) == set(files) - {info + "RECORD"}
    for name, said in recorded.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).decode()
        assert said == f"sha256={digest.rstrip('=')},{len(files[name])}"


def test_a_function_that_the_library_lacks_is_refused_when_it_is_called(
    bindings: dict[str, bytes], tmp_path: Path
):
    code = prebuilt.derived(bindings, {})["llama_cpp/_ctypes_extensions.py"]
    (tmp_path / "lenient.py").write_bytes(code)
    declare = loaded(tmp_path / "lenient.py").ctypes_function_for_shared_library(ctypes.CDLL(None))

    @declare("abs", [ctypes.c_int], ctypes.c_int)
    def known(number: int) -> int: ...

    @declare("llama_of_tomorrow", [ctypes.c_int], ctypes.c_int)
    def newer(number: int) -> int: ...

    assert known(-3) == 3
    with pytest.raises(NotImplementedError, match="has no llama_of_tomorrow"):
        newer(1)


def test_bindings_that_look_functions_up_in_another_way_are_refused(bindings: dict[str, bytes]):
    bindings["llama_cpp/_ctypes_extensions.py"] = b"func = find(lib, name)\n"
    with pytest.raises(prebuilt.PrebuiltError, match=r"0\.3\.36 looks its functions up in another"):
        prebuilt.derived(bindings, {})


def test_an_archive_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # An npm that packs something else.
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho other > other.tgz\necho other.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=":")
    with pytest.raises(prebuilt.PrebuiltError, match="has another hash than"):
        prebuilt.libraries_archive(tmp_path)


def test_the_pin_is_what_is_compiled_elsewhere():
    """Another version may declare other structures than the libraries have."""
    lock = (ROOT / "locks" / "llamacpp.txt").read_text("utf-8").replace("\\\n", "")
    name, sha256, _ = prebuilt.BINDINGS_PIN.split()
    assert f"{name}     {sha256}\n" in lock
