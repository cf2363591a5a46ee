"""Byte-pair encoding by hand, beside the thirty-line version and the `tokenizers` library."""

import inspect
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as LibraryTokenizer
from tokenizers import models, pre_tokenizers, trainers

from tinyllm.files import TinyLLMError
from tinyllm.tokens import BYTE_IDS, FIRST_MERGE, SPECIAL, train_bpe, train_bpe_minimal
from tinyllm.tokens.alphabet import BYTE_CHARACTERS, well_formed
from tinyllm.tokens.words import split_words

MANY_TONGUES = (
    "Déjà vu. Größe, façade, naïve. Однажды маленькая девочка пошла в лес и встретила медведя. "
    "昔々、あるところにおじいさんとおばあさんがいました。 从前有一个小女孩。 옛날 옛적에 "
    "كان يا ما كان 🐝🍯 👩‍👩‍👧 ½ ² Ⅷ ١٢٣ e\u0301 \u2003 \u00a0x\u200d "
) * 6


def village_like() -> str:
    draw = random.Random(7)
    names, things = ("Mina", "Tom", "Ada", "Jon"), ("kite", "drum", "lamp", "red ball")
    return " ".join(
        f"{draw.choice(names)} couldn't find the {draw.choice(things)}. It's {draw.randint(1, 99)} "
        f'steps away!\n\n"Who has it?" said {draw.choice(names)}.'
        for _ in range(120)
    )


TEXTS = {
    "village": village_like(),
    "python": Path(inspect.getsourcefile(random) or "").read_text(encoding="utf-8"),
    "tongues": MANY_TONGUES,
}


def library_merges(text: str, vocab_size: int, min_frequency: int = 0) -> list[tuple[int, int]]:
    """The oracle, built here from nothing but the library."""
    tokenizer = LibraryTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [(model["vocab"][left], model["vocab"][right]) for left, right in model["merges"]]


def hand_merges(text: str, vocab_size: int, min_frequency: int = 1) -> list[tuple[int, int]]:
    merges = train_bpe([text], vocab_size, min_frequency=min_frequency)
    return [(merge.left, merge.right) for merge in merges]


@pytest.mark.parametrize("name", TEXTS)
def test_merges_by_hand_are_those_of_the_library_in_its_order(name: str) -> None:
    text = TEXTS[name]
    assert hand_merges(text, 1200) == library_merges(text, 1200)


@pytest.mark.parametrize("name", TEXTS)
def test_a_minimum_frequency_stops_both_at_the_same_merge(name: str) -> None:
    text = TEXTS[name][:4000]
    merges = hand_merges(text, 5000, min_frequency=2)
    assert merges == library_merges(text, 5000, min_frequency=2)
    assert len(merges) < 5000 - FIRST_MERGE


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab ", max_size=80), st.integers(1, 40))
def test_ties_and_repeats_are_resolved_as_in_the_library(text: str, merges: int) -> None:
    assert hand_merges(text, FIRST_MERGE + merges) == library_merges(text, FIRST_MERGE + merges)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abc '\né", max_size=60), st.integers(0, 40))
def test_thirty_lines_find_the_same_merges(text: str, merges: int) -> None:
    size = FIRST_MERGE + merges
    assert train_bpe_minimal(text, size) == hand_merges(text, size)


@pytest.mark.parametrize("name", TEXTS)
def test_thirty_lines_find_the_same_merges_on_real_text(name: str) -> None:
    text = TEXTS[name][:5000]
    assert train_bpe_minimal(text, FIRST_MERGE + 60) == hand_merges(text, FIRST_MERGE + 60)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="ab1 '’\n\r\t\x1c\x85\u2028é½日!st", max_size=60))
def test_words_are_cut_where_the_library_cuts_them(text: str) -> None:
    text = well_formed(text)
    library = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    assert split_words(text) == [text[a:b] for _, (a, b) in library.pre_tokenize_str(text)]
    assert "".join(split_words(text)) == text


def test_the_byte_alphabet_is_the_librarys() -> None:
    assert sorted(BYTE_CHARACTERS) == sorted(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(BYTE_IDS) == list(range(len(SPECIAL), FIRST_MERGE))


def test_a_merge_event_tells_rank_ids_count_and_bytes() -> None:
    first, second = list(train_bpe(["abab abab"], 263))
    assert (first.rank, first.new, first.count, first.text) == (0, 261, 4, b"ab")
    assert (second.left, second.right, second.count, second.text) == (261, 261, 2, b"abab")


def test_several_texts_count_together() -> None:
    assert list(train_bpe(["the cat", " the hat"], 266)) == list(
        train_bpe(["the cat the hat"], 266)
    )


def test_training_ends_when_no_pair_is_left() -> None:
    assert [merge.text for merge in train_bpe(["ab"], 1000)] == [b"ab"]
    assert list(train_bpe([], 1000)) == list(train_bpe([""], 1000)) == []


def test_a_vocabulary_without_room_for_bytes_is_refused() -> None:
    assert list(train_bpe(["abab"], FIRST_MERGE)) == []
    with pytest.raises(TinyLLMError, match="at least 261"):
        next(train_bpe(["abab"], 260))


def test_halves_of_characters_are_joined_or_replaced() -> None:
    assert well_formed("\ud83d\udc1d") == "🐝"
    assert well_formed("a\ud83d") == "a\ufffd"
    assert [m.text for m in train_bpe(["\ud83d" * 3], 263)][-1] == "\ufffd".encode()
