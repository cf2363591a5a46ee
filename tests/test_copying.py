"""The longest stretch of a text that stands in a corpus: exact, whatever the chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.tokens import CopyMeter, Tokenizer, TokenShards, copying, longest_copies
from tinyllm.tokens.copying import Copy

tokens = st.integers(0, 3)
corpora = st.lists(st.lists(tokens, max_size=14), min_size=1, max_size=6).filter(any)
written = st.lists(st.lists(st.integers(0, 4), max_size=12), max_size=3)


def shards_of(*documents, dtype=np.uint16):
    ids = [token for document in documents for token in document]
    return TokenShards(np.array(ids, dtype), np.cumsum([0, *map(len, documents)]))


def by_hand(text, documents):
    """Every stretch, from the longest to the shortest, looked for in every document in turn."""
    for length in range(len(text), 0, -1):
        stretches = [text[start : start + length] for start in range(len(text) - length + 1)]
        for number, document in enumerate(documents):
            for place in range(len(document) - length + 1):
                if document[place : place + length] in stretches:
                    start = stretches.index(document[place : place + length])
                    return Copy(start=start, tokens=length, document=number)
    return Copy()


@given(corpora, written, st.sampled_from([1, 2, 5, 1 << 15]))
def test_it_finds_what_looking_everywhere_finds(documents, texts, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "CHUNK", chunk)
        found = longest_copies(texts, shards_of(*documents))
    assert found == [by_hand(text, documents) for text in texts]


@given(corpora, written)
def test_what_has_the_right_number_is_compared_token_by_token(documents, texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "BASE", 1)  # now all orders of the same tokens share a number
        found = longest_copies(texts, shards_of(*documents))
    assert found == [by_hand(text, documents) for text in texts]


@pytest.mark.parametrize("chunk", range(1, 12))
def test_a_copy_that_lies_across_a_chunk_border_is_found_whole(monkeypatch, chunk):
    monkeypatch.setattr(copying, "CHUNK", chunk)
    (found,) = longest_copies([[9, 3, 4, 5, 6, 9]], shards_of([1, 2, 3, 4, 5, 6, 7, 8]))
    assert found == Copy(start=1, tokens=4, document=0)


def test_the_end_of_a_document_ends_a_copy():
    (found,) = longest_copies([[1, 2, 3, 4]], shards_of([1, 2], [3, 4], [0, 2, 3, 4]))
    assert found == Copy(start=1, tokens=3, document=2)


def test_repeated_tokens_in_many_short_documents_are_no_long_copy():
    (found,) = longest_copies([[7] * 160], shards_of(*[[7] * 4] * 2000))
    assert found == Copy(tokens=4, document=0)


def test_a_text_that_was_copied_as_a_whole_is_found_as_a_whole():
    text = list(range(160))
    (found,) = longest_copies([text], shards_of([5, 6], [8, *text, 9]))
    assert found == Copy(tokens=160, document=1)


@pytest.mark.parametrize("texts", [[], [[]], [[8, 9]]])
def test_where_nothing_was_copied_nothing_is_found(texts):
    assert longest_copies(texts, shards_of([1, 2, 3])) == [Copy()] * len(texts)


def test_each_text_has_its_own_copy():
    found = longest_copies([[1, 2, 9], [9, 3, 1], [5]], shards_of([1, 2, 3, 1]))
    assert [(copy.start, copy.tokens) for copy in found] == [(0, 2), (1, 2), (0, 0)]


def test_token_ids_above_65535_are_told_apart_from_those_below():
    high = 1 << 16
    (found,) = longest_copies([[high, high + 1]], shards_of([0, 1], [high], dtype=np.uint32))
    assert found == Copy(tokens=1, document=1)


def test_the_corpus_is_read_in_chunks(monkeypatch):
    class Watched(np.ndarray):
        def __getitem__(self, key):
            if isinstance(key, slice):
                read.append(key.stop - key.start)
            return super().__getitem__(key)

    read = []
    monkeypatch.setattr(copying, "CHUNK", 100)
    shards = shards_of([token % 90 for token in range(5000)])
    shards.tokens = shards.tokens.view(Watched)
    longest_copies([[3, 2, 1]], shards)
    assert max(read) == 103


def meter(train, held_out):
    tokenizer = Tokenizer.from_merges([])
    shards = [shards_of(*map(tokenizer.encode, texts)) for texts in (train, held_out)]
    return CopyMeter(*shards, tokenizer)


def test_a_copy_is_told_in_words_and_with_its_document():
    measured = meter(["a hen", "the red hen ran"], ["nothing"])
    (copied,) = measured.measure([measured.tokenizer.encode("my red hen sat")])
    assert (copied.text, copied.words, copied.tokens) == (" red hen ", 2, 9)
    assert copied.document == 1


def test_the_control_is_the_median_over_held_out_texts_of_that_length():
    held_out = ["one 5555555", "short", "one two three", "one two 555"]
    assert meter(["one two three"], held_out).control(10) == 2  # of one, three and two words


def test_the_control_of_a_longer_text_takes_longer_texts():
    held_out = ["a b c d e f g h i j k l", "a b c x " * 4]
    measured = meter(["a b c d e f g h i j k l m n"], held_out)
    assert measured.control(9) == (5 + 3) / 2
    assert measured.control(22) == (10 + 3) / 2
    assert measured.control(500) is None


def test_a_control_is_measured_once_for_each_length(monkeypatch):
    measured = meter(["one two three"], ["one two four five six seven"])
    first = measured.control(12)
    monkeypatch.setattr(copying, "longest_copies", None)
    assert measured.control(11) == first
