"""Packing: every document once an epoch, nothing twice, little left empty."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import lively
from training_fakes import same, shards_of

from tinyllm.files import TinyLLMError
from tinyllm.training import (
    IGNORED,
    Example,
    best_fit,
    example_batches,
    pack_documents,
    packed_batches,
)


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
