"""Names of a repository's files -> the one that is meant."""

from __future__ import annotations

import pytest

from evals.errors import ArtifactError
from evals.fetch.hub_choice import choose
from evals.fetch.split_files import split_names, whole_name

URI = "hf:org/m"
FILES = [
    "m-IQ4_XS.gguf", "m-Q4_K_M.gguf", "m-Q4_K_S.gguf", "m-UD-Q4_K_XL.gguf", "m_q4_0-it.gguf",
    "m.Q8_0.gguf", "m-f16-00001-of-00003.gguf", "m-f16-00002-of-00003.gguf",
    "m-f16-00003-of-00003.gguf", "mmproj-m-f16.gguf", "config.json",
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("Q4_K_M", "m-Q4_K_M.gguf"),
        ("q8_0", "m.Q8_0.gguf"),
        ("Q4_0", "m_q4_0-it.gguf"),
        ("UD-Q4_K_XL", "m-UD-Q4_K_XL.gguf"),
        ("F16", "m-f16-00001-of-00003.gguf"),
        ("m-f16-00002-of-00003.gguf", "m-f16-00001-of-00003.gguf"),
        ("mmproj-m-f16.gguf", "mmproj-m-f16.gguf"),
        ("config.json", "config.json"),
    ],
)
def test_one_file_is_meant(wanted: str, meant: str) -> None:
    assert choose(URI, wanted, FILES) == meant


def test_none_or_several_are_meant() -> None:
    with pytest.raises(ArtifactError, match=r'no file Q4_XS \(did you mean "IQ4_XS"'):
        choose(URI, "Q4_XS", FILES)  # IQ4_XS is another type
    with pytest.raises(ArtifactError, match=r"no file Q4_K"):
        choose(URI, "Q4_K", FILES)
    with pytest.raises(
        ArtifactError, match=r"has 7 .gguf models; name one, e.g. hf:org/m#IQ4_XS: IQ4"
    ):
        choose(URI, None, FILES)
    twice = ["a/m-Q8_0.gguf", "b/m-Q8_0.gguf"]
    with pytest.raises(ArtifactError, match=r"2 .gguf models; .*: a/m-Q8_0.gguf, b/m-Q8_0.gguf"):
        choose(URI, "Q8_0", twice)
    with pytest.raises(ArtifactError, match=r"has no .gguf; look for"):
        choose(URI, None, ["config.json"])
    assert choose(URI, None, ["m.gguf", "mmproj-m.gguf"]) == "m.gguf"


def test_names_of_parts() -> None:
    assert split_names("a/m-00002-of-00003.gguf") == [
        "a/m-00001-of-00003.gguf", "a/m-00002-of-00003.gguf", "a/m-00003-of-00003.gguf",
    ]  # fmt: skip
    for alone in ("m.gguf", "m-00004-of-00003.gguf", "m-00000-of-00000.gguf", "m-1-of-2.gguf"):
        assert split_names(alone) == [alone]
    assert whole_name("m-00001-of-00003.gguf") == "m.gguf"
    assert whole_name("m.gguf") == "m.gguf"
