"""The tokenizer bench, on little text: what it reports, not how fast it is."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tinyllm.files import UsageError
from tinyllm.report import load_bench

REGEX_PY = """
from .base import note

class RegexTokenizer:
    def train(self, text, vocab_size):
        note(len(text), vocab_size)
"""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_bench("tokenizer")
    for name, value in {"MERGES": 20, "CHARACTERS": 3_000, "ROUNDS": 1, "HAND_RUNS": 1}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_without_minbpe_it_says_who_stands_in(bench: ModuleType) -> None:
    values = bench.run()
    assert "standing in for minbpe" in values["peer"]
    assert values["same_merges_as_library"]
    assert set(values["seconds"]) == {"peer", "by_hand", "library"}
    assert values["by_hand_times_faster_than_peer"] > 0


def test_a_checkout_of_minbpe_brings_its_own_text(bench: ModuleType, tmp_path: Path) -> None:
    for folder in ("minbpe", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "minbpe" / "__init__.py").write_text("import tiktoken_is_not_needed\n")
    (tmp_path / "minbpe" / "base.py").write_text("calls = []\ndef note(*a): calls.append(a)\n")
    (tmp_path / "minbpe" / "regex.py").write_text(REGEX_PY)
    (tmp_path / "tests" / "taylorswift.txt").write_text("la la la " * 200)
    values = bench.run(minbpe=tmp_path)
    assert "minbpe's RegexTokenizer" in values["peer"]
    assert values["characters"] == 1_800
    assert not [name for name in sys.modules if name.split(".")[0] == "minbpe"]


def test_a_folder_that_is_no_checkout_is_refused(bench: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkout of minbpe"):
        bench.run(minbpe=tmp_path)
