"""Held-out loss against the plain forward pass, rulers against closed forms."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from evaluation_fakes import Bytes, small_model
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.evaluation import loss, rulers
from tinyllm.evaluation.loss import cut, held_out_loss
from tinyllm.evaluation.rulers import Bigram, baselines, streams_of
from tinyllm.events import result_of
from tinyllm.tokens import TokenShards


@dataclass
class Text:
    text: str
    metadata: dict = field(default_factory=dict)


def test_loss_is_the_mean_over_all_tokens_and_ends_of_documents_read_alone():
    model, texts = small_model(), ["Mina keeps bees.", "é", "", "The mill is old and tall."]
    nats, count = 0.0, 0
    for text in texts:
        ids = torch.tensor([[0, *Bytes().encode_batch([text])[0], 0]])
        with torch.no_grad():
            nats += F.cross_entropy(model(ids)[0, :-1], ids[0, 1:], reduction="sum").item()
        count += ids.shape[1] - 1
    found = result_of(held_out_loss(model, Bytes(), [Text(t) for t in texts]))
    assert found.tokens == count == found.bytes + 4
    assert math.isclose(found.loss, nats / count, rel_tol=1e-5)
    assert math.isclose(found.bits_per_byte, nats / math.log(2) / found.bytes, rel_tol=1e-5)


def test_the_size_of_a_batch_does_not_change_the_loss(monkeypatch):
    model, texts = small_model(), [Text("a" * n) for n in (3, 50, 7, 30)]
    whole = result_of(held_out_loss(model, Bytes(), texts)).loss
    monkeypatch.setattr(loss, "BATCH_TOKENS", 40)
    assert math.isclose(result_of(held_out_loss(model, Bytes(), texts)).loss, whole, rel_tol=1e-5)


def test_each_document_has_its_own_nats_however_it_is_cut_or_batched(monkeypatch):
    model, texts = small_model(), ["Mina keeps bees. " * 40, "é", "The mill is old."]
    found = result_of(held_out_loss(model, Bytes(), [Text(t) for t in texts]))
    alone = [result_of(held_out_loss(model, Bytes(), [Text(t)])) for t in texts]
    assert [size for _, size in found.each] == [one.bytes for one in alone]
    for (nats, _), one in zip(found.each, alone, strict=True):
        assert math.isclose(nats, one.nats, rel_tol=1e-5)
    assert math.isclose(sum(nats for nats, _ in found.each), found.nats)


def test_the_floor_is_the_bits_of_the_same_documents():
    texts = [Text("abcd", {"bits": 6.0}), Text("ab", {"bits": 3.0})]
    found = result_of(held_out_loss(small_model(), Bytes(), texts))
    assert found.floor_bits_per_byte == 1.5
    assert math.isclose(found.floor_loss, 9 * math.log(2) / 8)


def test_a_corpus_with_a_document_of_unknown_entropy_has_no_floor():
    texts = [Text("abcd", {"bits": 6.0}), Text("somebody else's")]
    found = result_of(held_out_loss(small_model(), Bytes(), texts))
    assert found.floor_bits_per_byte is None
    assert found.floor_loss is None


def test_measuring_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(loss, "BATCH_TOKENS", 40)
    events = list(held_out_loss(small_model(), Bytes(), [Text("a" * 30)] * 3))
    assert [(e.done, e.total) for e in events] == [(1, 3), (2, 3), (3, 3)]


def test_no_text_is_refused():
    with pytest.raises(
        ValueError, match="expected documents with text, got 1 documents and 0 bytes"
    ):
        result_of(held_out_loss(small_model(), Bytes(), [Text("")]))


@given(length=st.integers(2, 200), context=st.integers(2, 40))
def test_windows_predict_every_token_once_from_half_a_context_or_all_there_is(length, context):
    predicted = []
    for ids, skip in cut(list(range(length)), context):
        assert len(ids) <= context + 1
        predicted += ids[1 + skip :]
        for place in range(1 + skip, len(ids)):
            assert place >= min(context // 2, ids[place])
    assert predicted == list(range(1, length))


def test_a_long_document_is_measured_although_it_exceeds_the_context():
    found = result_of(held_out_loss(small_model(context=16), Bytes(), [Text("abcdefgh" * 20)]))
    assert found.tokens == 161
    assert 0 < found.loss < 10


def shards(ids, documents=1, dtype=np.uint16):
    return TokenShards(
        np.asarray(ids, dtype), np.linspace(0, len(ids), documents + 1).astype(np.int64)
    )


def test_bigram_is_the_interpolation_of_its_formula():
    train, text = np.array([0, 1, 2, 0, 1, 1, 0, 2, 1]), np.array([0, 2, 2, 1])
    model = Bigram([train], vocab_size=4)
    unigram = (np.bincount(train[1:], minlength=4) + 1) / (len(train) - 1 + 4)
    expected = 0.0
    for a, b in pairwise(text):
        pair = sum(x == a and y == b for x, y in pairwise(train))
        context = int((train[:-1] == a).sum())
        expected -= math.log((pair + model.strength * unigram[b]) / (context + model.strength))
    assert math.isclose(model.loss([text]), expected / 3)
    assert math.isclose(model.unigram_loss([text]), -np.log(unigram[text[1:]]).mean())


@given(st.lists(st.integers(0, 5), min_size=2, max_size=60))
def test_bigram_probabilities_sum_to_one_after_every_token(ids):
    model = Bigram([np.array(ids)], vocab_size=6)
    for before in range(6):
        chances = [math.exp(-model.loss([np.array([before, after])])) for after in range(6)]
        assert math.isclose(sum(chances), 1, rel_tol=1e-9)


def test_bigram_finds_the_entropy_of_a_markov_chain():
    rng = np.random.default_rng(0)
    step = rng.random((2, 60_000)) < 0.9
    chain = np.cumsum(np.where(step, 1, 2), axis=1) % 5  # two texts: +1 nine times in ten, else +2
    model = Bigram([chain[0]], vocab_size=5)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert math.isclose(model.loss([chain[1]]), entropy, abs_tol=0.01)
    assert math.isclose(model.unigram_loss([chain[1]]), math.log(5), abs_tol=0.01)


def test_tokens_without_order_gain_nothing_from_pairs():
    noise = np.random.default_rng(1).integers(0, 50, size=(2, 5_000))
    found = baselines(shards(noise[0]), shards(noise[1]), vocab_size=50)
    assert abs(found["bigram"] - found["unigram"]) < 0.02
    assert found["uniform"] == math.log(50)


def test_counting_in_pieces_changes_nothing(monkeypatch):
    ids = np.random.default_rng(2).integers(1, 9, size=1_000)
    train, validation = shards(ids, documents=40), shards(ids[::-1], documents=30)
    whole = baselines(train, validation, vocab_size=9)
    monkeypatch.setattr(rulers, "CHUNK", 60)
    assert len(list(streams_of(train, 0))) > 10
    assert baselines(train, validation, vocab_size=9) == pytest.approx(whole)


def test_rulers_and_model_are_measured_on_the_same_tokens():
    texts = ["Mina keeps bees.", "", "The mill is old."]
    ids = Bytes().encode_batch(texts)
    offsets = np.cumsum([0, *map(len, ids)])
    stream = list(
        streams_of(TokenShards(np.array([i for one in ids for i in one], np.uint16), offsets), 0)
    )
    assert [one.tolist() for one in stream] == [[0, *ids[0], 0, 0, *ids[2], 0]]
    found = result_of(held_out_loss(small_model(), Bytes(), [Text(t) for t in texts]))
    assert found.tokens == sum(len(one) - 1 for one in stream)


def test_a_document_larger_than_a_piece_is_still_counted(monkeypatch):
    monkeypatch.setattr(rulers, "CHUNK", 4)
    lengths = [len(s) for s in streams_of(shards(range(1, 21), documents=2), 0)]
    assert lengths == [12, 12]


def test_too_little_text_is_refused():
    nothing = shards([], documents=0)
    with pytest.raises(ValueError, match="training text of at least two tokens"):
        baselines(nothing, shards([1, 2]), vocab_size=4)
    with pytest.raises(ValueError, match="at least two tokens to measure"):
        baselines(shards([1, 2]), nothing, vocab_size=4)
