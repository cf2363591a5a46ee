"""Packing: every document once an epoch, nothing twice, little left empty."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import lively
from training_fakes import encoded_corpus, same, shards_of

from tinyllm.files import TinyLLMError
from tinyllm.tokens import TokenShards
from tinyllm.training import (
    IGNORED,
    Example,
    best_fit,
    example_batches,
    pack_documents,
    packed_batches,
)
from tinyllm.training.batches import Part, lengths_of
from tinyllm.training.packing import count_best_fit, count_rows, pack_window, shuffled_rows


class Numbered:
    """Documents whose every token says which document and where: 100 * number + place."""

    def __init__(self, lengths):
        self.lengths = lengths

    def __len__(self):
        return len(self.lengths)

    def document(self, number):
        return np.arange(self.lengths[number]) + 100 * (number + 1)


def batches(documents, count, **changes):
    values = {"rows": 2, "context": 16, "separator": 0, "seed": 3, **changes}
    return list(islice(packed_batches(documents, **values), count))


def rows_of(batch):
    return zip(batch.ids.tolist(), batch.targets.tolist(), strict=True)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_best_fit_places_every_item_once_and_overfills_no_row(sizes, random):
    order = random.sample(range(len(sizes)), len(sizes))
    rows = best_fit(sizes, 20, order)
    assert sorted(item for row in rows for item in row) == list(range(len(sizes)))
    filled = sorted(sum(sizes[item] for item in row) for row in rows)
    assert filled[-1] <= 20
    assert len(rows) == 1 or filled[0] + filled[1] > 20, "two rows could have been one"


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(0, 5))
def test_packing_covers_every_document_once_an_epoch(lengths, seed):
    rows = pack_documents(lengths, 16, np.random.default_rng(seed))
    seen = Counter()
    for row in rows:
        assert sum(piece.length for piece in row) <= 16
        assert all(piece.start == 0 for piece in row[1:]), "only the head of a row goes on"
        for document, start, length in row:
            seen.update((document, place) for place in range(start, start + length))
    expected = {(d, place) for d, length in enumerate(lengths) for place in range(length + 1)}
    assert seen == Counter(expected)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_every_token_and_every_end_is_a_target_once_an_epoch(lengths):
    documents = Numbered(lengths)
    rows = len(pack_documents(lengths, 16, np.random.default_rng([3, 0])))
    [batch] = batches(documents, 1, rows=rows)
    targets = Counter(t for row in batch.targets.tolist() for t in row if t != IGNORED)
    assert targets.pop(0) == len(lengths)
    assert targets == Counter(t for i in range(len(lengths)) for t in documents.document(i))


def test_a_target_is_the_next_token_and_a_row_starts_a_document():
    for batch in batches(Numbered([3, 5, 2, 9, 14, 7]), 6):
        for ids, targets in rows_of(batch):
            assert ids[0] == 0
            used = [t for t in targets if t != IGNORED]
            assert used[:-1] == ids[1 : len(used)]
            assert used[-1] == 0
            assert targets[len(used) :] == [IGNORED] * (16 - len(used))


def test_a_long_document_goes_on_at_the_head_of_a_row():
    heads = [ids for batch in batches(Numbered([40]), 4) for ids, _ in rows_of(batch)]
    starts = {ids[0] for ids in heads}
    assert starts == {0, 115, 131}  # <|endoftext|>, then token 15, then token 31 of the document


def test_long_documents_leave_at_most_one_row_unfilled():
    rows = pack_documents([40, 21, 33, 90], 16, np.random.default_rng(0))
    filled = [sum(piece.length for piece in row) for row in rows]
    assert filled.count(16) >= len(filled) - 1


def test_a_resumed_stream_goes_on_where_it_stopped():
    documents = Numbered([3, 5, 2, 9, 14, 7, 30])
    whole = batches(documents, 12)
    for start in (1, 5, 11):
        rest = batches(documents, 12 - start, start=start)
        for one, other in zip(whole[start:], rest, strict=True):
            assert torch.equal(one.ids, other.ids)
            assert torch.equal(one.targets, other.targets)


def test_epochs_are_shuffled_anew_and_seeds_differ():
    documents = Numbered([7] * 20)
    epoch = 5  # batches: ten rows of two documents
    one, two = batches(documents, epoch), batches(documents, epoch, start=epoch)
    other = batches(documents, epoch, seed=4)
    assert any(not torch.equal(a.ids, b.ids) for a, b in zip(one, two, strict=True))
    assert any(not torch.equal(a.ids, b.ids) for a, b in zip(one, other, strict=True))


def test_stories_waste_little():
    lengths = np.random.default_rng(0).integers(10, 240, 2000).tolist()
    rows = pack_documents(lengths, 256, np.random.default_rng(1))
    filled = sum(length + 1 for length in lengths) / (256 * len(rows))
    assert filled > 0.98


def test_token_shards_can_be_packed():
    shards = shards_of(["hi", "ho"])
    batch = next(packed_batches(shards, rows=1, context=8, separator=0, seed=0))
    assert sorted(batch.ids[0].tolist()) == sorted([0, 76, 77, 0, 76, 83, 0, 0])


@given(st.lists(st.integers(1, 20), max_size=80))
def test_rows_are_counted_as_best_fit_makes_them(sizes):
    rows = best_fit(sizes, 20, range(len(sizes)))
    assert count_best_fit(np.array(sizes, dtype=np.int64), 20) == len(rows)


def windowed(lengths, skip=0, window=7):
    """An epoch after another of documents of `lengths`, packed `window` documents at a time."""
    sizes = np.array(lengths) + 1
    return shuffled_rows(
        len(lengths),
        lambda numbers: pack_window(numbers, sizes[numbers], 16),
        lambda numbers: count_rows(sizes[numbers], 16),
        seed=2,
        skip=skip,
        window=window,
    )


LENGTHS = np.random.default_rng(5).integers(1, 40, 50).tolist()


def test_every_document_is_read_once_an_epoch_whatever_the_window():
    expected = Counter(
        (document, place) for document, length in enumerate(LENGTHS) for place in range(length + 1)
    )
    for window in (7, 50, 1000):
        rows = windowed(LENGTHS, window=window)
        for _ in range(2):
            seen = Counter()
            while seen.total() < expected.total():
                for document, start, length in next(rows):
                    seen.update((document, place) for place in range(start, start + length))
            assert seen == expected


def test_a_text_that_fits_a_window_is_packed_as_one():
    generator = np.random.default_rng([2, 0])
    packed = pack_documents(LENGTHS, 16, generator)
    expected = [packed[row] for row in generator.permutation(len(packed))]
    assert list(islice(windowed(LENGTHS, window=50), len(packed))) == expected


def test_rows_go_on_from_any_number_in_any_window_and_epoch():
    whole = list(islice(windowed(LENGTHS), 300))
    for skip in range(250):
        assert list(islice(windowed(LENGTHS, skip=skip), 50)) == whole[skip : skip + 50]


def test_what_was_read_is_not_packed_again():
    packed = []

    def pack(numbers):
        packed.append(numbers.tolist())
        return numbers.tolist()

    whole = list(islice(shuffled_rows(20, pack, len, seed=0, window=5), 47))
    packed.clear()
    assert next(shuffled_rows(20, pack, len, seed=0, skip=46, window=5)) == whole[46]
    assert len(packed) == 1


def test_lengths_of_shards_are_known_without_reading_a_document(monkeypatch):
    shards = shards_of(["hi", "hoho", "", "h"])
    monkeypatch.setattr(type(shards), "document", None)
    assert lengths_of(shards).tolist() == [2, 4, 0, 1]
    assert lengths_of(Part(shards, 1, 3)).tolist() == [4, 0]


def test_a_document_on_disk_is_read_and_leaves_the_map_untouched(tmp_path):
    shards = TokenShards.open(encoded_corpus(tmp_path / "tokens"))
    for number in (5, 0, 3):
        document = shards.document(number)
        mapped = shards.tokens[shards.offsets[number] : shards.offsets[number + 1]]
        assert document.tolist() == mapped.tolist()
        assert not np.shares_memory(document, shards.tokens)


def test_no_document_at_all_is_said():
    with pytest.raises(TinyLLMError, match="no document"):
        next(packed_batches(Numbered([]), rows=1, context=8, separator=0, seed=0))


def dialogues(count=5):
    return [Example(ids=(2, 50 + i, 4, 3, *range(60, 62 + i), 4), prompt=4) for i in range(count)]


def test_only_answers_and_their_ends_are_targets():
    examples = dialogues()
    batch = next(example_batches(examples, rows=3, context=24, separator=0, seed=0))
    wanted = Counter(t for row in batch.targets.tolist() for t in row if t != IGNORED)
    once = Counter(t for example in examples for t in example.ids[example.prompt :])
    assert set(wanted) == set(once)
    for ids, targets in rows_of(batch):
        assert ids[0] == 2
        for place, target in enumerate(targets):
            if target != IGNORED and place + 1 < len(ids):
                assert ids[place + 1] in (target, 0)


def test_dialogues_behind_the_first_follow_an_end_of_text():
    batch = next(example_batches(dialogues(), rows=2, context=24, separator=0, seed=0))
    for ids, _ in rows_of(batch):
        for place, token in enumerate(ids[1:], start=1):
            if token == 2:
                assert ids[place - 1] == 0


def test_an_example_that_just_fits_keeps_its_last_token():
    example = Example(ids=(2, 9, 4, 3, *range(20, 24), 4), prompt=4)
    batch = next(example_batches([example], rows=1, context=8, separator=0, seed=0))
    assert batch.ids[0].tolist() == [2, 9, 4, 3, 20, 21, 22, 23]
    assert batch.targets[0].tolist() == [IGNORED] * 3 + [20, 21, 22, 23, 4]


def test_examples_resume_too():
    whole = list(islice(example_batches(dialogues(), rows=1, context=16, separator=0, seed=1), 8))
    rest = example_batches(dialogues(), rows=1, context=16, separator=0, seed=1, start=5)
    for one, other in zip(whole[5:], rest, strict=False):
        assert same(vars(one), vars(other))


def test_texts_that_share_a_row_do_not_see_each_other():
    model = lively()
    first, second = [0, 5, 9, 3], [0, 7, 5]
    row = torch.tensor([first + second])
    documents = (row == 0).cumsum(1)
    alone = torch.cat([model(torch.tensor([text]))[0] for text in (first, second)])
    together = model.logits(model.hidden(row, documents=documents))[0]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(model(row)[0], alone, atol=1e-3)


def test_batches_number_the_texts_of_a_row():
    batch = next(packed_batches(Numbered([2, 1, 1]), rows=1, context=8, separator=0, seed=0))
    starts = batch.ids[0] == 0
    assert batch.documents[0].tolist() == starts.cumsum(0).tolist()
    assert batch.documents[0].max() >= 3
