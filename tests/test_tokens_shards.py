"""The corpus as token shards, and the tokens stage as a whole."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinyllm.corpus import build_corpus, corpus_size, read_text
from tinyllm.events import Event, Finished, Merge, Notice, Progress
from tinyllm.files import TinyLLMError, read_manifest, sha256
from tinyllm.tokens import Tokenizer, TokenShards, build_tokenizer, encode_corpus, shards

SPLITS = ("train", "validation")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "mine").mkdir()
    for number in range(40):
        text = "".join(
            f"Mina counted {number * line} bees. Tom's kite is red, déjà vu 🐝 <|end|>\n"
            for line in range(1, 12)
        )
        (home / "mine" / f"{number}.txt").write_text(text, encoding="utf-8")
    list(build_corpus(home / "corpus", [str(home / "mine")]))
    return home / "corpus"


@pytest.mark.parametrize("split", SPLITS)
def test_shards_hold_every_document_without_special_tokens(
    corpus: Path, tmp_path: Path, split: str
) -> None:
    tokenizer = Tokenizer.from_merges([])
    events = list(encode_corpus(tokenizer, corpus, tmp_path))
    opened = TokenShards.open(tmp_path, split)
    texts = [document.text for document in read_text(corpus, split)]
    assert [tokenizer.decode(opened.document(i)) for i in range(len(opened))] == texts
    assert opened.tokens.dtype == np.uint16
    assert isinstance(opened.tokens, np.memmap)
    assert opened.tokens.min() >= 5
    assert opened.offsets.dtype == np.int64
    assert opened.offsets[0] == 0
    assert opened.offsets[-1] == len(opened.tokens)
    assert events[-1].done == events[-1].total == sum(corpus_size(corpus, s) for s in SPLITS)


def test_small_chunks_give_the_same_shards(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = Tokenizer.from_merges([])
    list(encode_corpus(tokenizer, corpus, tmp_path / "large"))
    monkeypatch.setattr(shards, "CHUNK_CHARACTERS", 1_000)
    steps = list(encode_corpus(tokenizer, corpus, tmp_path / "small"))
    assert len(steps) > 10
    assert sha256(tmp_path / "large") == sha256(tmp_path / "small")


def test_a_vocabulary_above_65536_is_kept_in_four_bytes(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = Tokenizer.from_merges([])
    list(encode_corpus(tokenizer, corpus, tmp_path / "two"))
    monkeypatch.setattr(Tokenizer, "vocab_size", 65_537)
    list(encode_corpus(tokenizer, corpus, tmp_path / "four"))
    two, four = (TokenShards.open(tmp_path / name) for name in ("two", "four"))
    assert four.tokens.dtype == np.uint32
    assert np.array_equal(two.tokens, four.tokens)


def test_a_document_that_is_not_there_is_an_index_error(corpus: Path, tmp_path: Path) -> None:
    list(encode_corpus(Tokenizer.from_merges([]), corpus, tmp_path))
    opened = TokenShards.open(tmp_path)
    for index in (-1, len(opened)):
        with pytest.raises(IndexError, match="expected a document from 0"):
            opened.document(index)


def test_missing_and_cut_off_shards_are_clear_errors(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(TinyLLMError, match="cannot be read"):
        TokenShards.open(tmp_path)
    with pytest.raises(ValueError, match="'train' or 'validation'"):
        TokenShards.open(tmp_path, "test")
    list(encode_corpus(Tokenizer.from_merges([]), corpus, tmp_path))
    path = tmp_path / "tokens-train.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(TinyLLMError, match="damaged"):
        TokenShards.open(tmp_path)


def test_by_hand_and_by_library_leave_the_same_artefact(corpus: Path, tmp_path: Path) -> None:
    by_library = list(build_tokenizer(corpus, tmp_path / "library", vocab_size=340))
    by_hand = list(build_tokenizer(corpus, tmp_path / "hand", vocab_size=340, by_hand=True))
    assert sha256(tmp_path / "library") == sha256(tmp_path / "hand")
    merges = [event for event in by_hand if isinstance(event, Merge)]
    tokenizer = Tokenizer.load(tmp_path / "hand")
    assert [merge.text for merge in merges] == [left + right for left, right in tokenizer.merges]
    assert [merge.rank for merge in merges] == list(range(340 - 261))
    assert not any(isinstance(event, Merge) for event in by_library)
    for events in (by_library, by_hand):
        assert all(event.stage == "tokenizer" for event in events)
        assert isinstance(events[0], Progress)
        assert isinstance(events[-1], Finished)
        assert events[-1].metrics["vocab_size"] == 340
    manifest = read_manifest(tmp_path / "hand")
    assert manifest["made_from"] == {"corpus": sha256(corpus)}
    assert manifest["train_tokens"] == len(TokenShards.open(tmp_path / "hand").tokens)


def test_a_text_too_small_for_the_vocabulary_gives_a_smaller_one(
    corpus: Path, tmp_path: Path
) -> None:
    events = list(build_tokenizer(corpus, tmp_path / "tokenizer", vocab_size=5_000))
    notices = [event.text for event in events if isinstance(event, Notice)]
    size = Tokenizer.load(tmp_path / "tokenizer").vocab_size
    assert 311 < size < 5_000
    assert len(notices) == 1
    assert f"the vocabulary has {size} tokens" in notices[0]


def test_a_text_without_repetition_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    lines = "".join("ab " * number + "\n" for number in range(150))
    (tmp_path / "a.txt").write_text(lines, encoding="utf-8")
    list(build_corpus(tmp_path / "corpus", [str(tmp_path / "a.txt")]))
    with pytest.raises(TinyLLMError, match="at least 50 are needed"):
        list(build_tokenizer(tmp_path / "corpus", tmp_path / "tokenizer"))
    assert not (tmp_path / "tokenizer").exists()


def test_an_interrupted_build_leaves_the_old_tokenizer(corpus: Path, tmp_path: Path) -> None:
    list(build_tokenizer(corpus, tmp_path / "tokenizer", vocab_size=330))
    before = sha256(tmp_path / "tokenizer")
    events: Iterator[Event] = build_tokenizer(corpus, tmp_path / "tokenizer", vocab_size=340)
    while not (isinstance(event := next(events), Progress) and event.note == "encoding"):
        pass
    events.close()  # type: ignore[attr-defined]
    assert sha256(tmp_path / "tokenizer") == before
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer"]


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TinyLLMError, match=r"card\.json cannot be read"):
        list(build_tokenizer(tmp_path / "corpus", tmp_path / "tokenizer"))
