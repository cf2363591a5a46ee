"""Every method, from records or from a reward model to a version: anchored, and reproducible."""

import pytest
import torch
from aligning import make_small_chat as make_small_chat
from aligning import make_small_reward as make_small_reward
from aligning import run
from aligning import set_one_thread as set_one_thread

from tinyllm.alignment.methods import METHODS
from tinyllm.alignment.store import FeedbackStore
from tinyllm.events import Step
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.model import read_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def store(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add_thumb("Hello", "hello you", 1)
    store.add_thumb("Hello", "no", -1)
    store.add_thumb("Sing", "la la", 1)
    store.add_pair("Sing", "la", "no no", "b")
    store.add_edit("Tell me", "no", "a tale")
    yield store
    store.close()


def differs(folder, other):
    weights, others = read_weights(folder), read_weights(other)
    return any(not torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_version_of_the_records_and_again_the_same(
    method,
    small_chat,
    store,
    tmp_path,
):
    records = store.valid()
    for name in ("first", "again"):
        events = run(small_chat, tmp_path / name, records=records, method=method)
        assert [e.step for e in events if isinstance(e, Step)] == [1, 2]
    first, again = tmp_path / "first" / "v001", tmp_path / "again" / "v001"
    assert read_manifest(first)["method"] == method
    assert not differs(first, again)
    if read_manifest(first)["metrics"]["best_step"]:
        assert differs(first, small_chat)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_from_a_reward_model_where_nobody_has_voted(
    method,
    small_chat,
    small_reward,
    tmp_path,
):
    events = run(small_chat, tmp_path / "aligned", reward=small_reward, method=method)
    assert len([event for event in events if isinstance(event, Step)]) == 2
    assert read_manifest(tmp_path / "aligned" / "v001")["records"] == []


def test_dpo_without_comparisons_says_so_and_no_method_learns_from_equal_thumbs(
    small_chat, store, tmp_path
):
    thumbs = [record for record in store.valid() if record.kind == "thumb"]
    apart = [record for record in thumbs if (record.value == 1) == (record.prompt == "Sing")]
    assert [record.value for record in apart] == [-1, 1]
    with pytest.raises(TinyLLMError, match="DPO learns from comparisons"):
        run(small_chat, tmp_path / "aligned", records=apart, method="dpo")
    up = [record for record in thumbs if record.value == 1]
    for method in METHODS:
        with pytest.raises(TinyLLMError, match="All 2 usable thumbs are up: nothing can be told"):
            run(small_chat, tmp_path / "aligned", records=up, method=method)
