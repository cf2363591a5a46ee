"""From feedback to a version: anchored, reproducible, gated, and never half written."""

import json
import math
import sys

import pytest
import torch
from aligning import HELD_OUT, NO_LIMITS, PROMPTS, SMALL, run
from aligning import make_small_chat as make_small_chat
from aligning import make_small_reward as make_small_reward
from aligning import set_one_thread as set_one_thread

from tinyllm.alignment import policy_training
from tinyllm.alignment.align import align
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.promotion import Canaries, Limits, distinct_2, objections
from tinyllm.alignment.store import FeedbackStore
from tinyllm.alignment.versions import current, list_versions
from tinyllm.events import Evaluation, Finished, Notice, Sample, Step
from tinyllm.files import TinyLLMError, UsageError, read_manifest, sha256
from tinyllm.model import load_model, read_weights
from tinyllm.training import Rates

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def chat(small_chat):
    return small_chat


@pytest.fixture(scope="module")
def reward(small_reward):
    return small_reward


@pytest.fixture(scope="module")
def first(chat, reward):
    aligned = chat.parent / "aligned"
    return aligned, run(chat, aligned, reward=reward)


def test_the_stream_tells_the_whole_story(first):
    aligned, events = first
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == [1, 2]
    wanted = {"reward", "kl", "entropy", "finished", "length", "beta"}
    assert all(wanted <= step.metrics.keys() for step in steps)
    assert steps[0].metrics["kl"] == pytest.approx(0.0, abs=1e-5)  # the policy is the anchor
    assert steps[1].metrics["kl"] > 0
    assert [e.step for e in events if isinstance(e, Evaluation)] == [0, 1, 2, 2]
    assert any(isinstance(event, Sample) for event in events)
    assert isinstance(events[-1], Finished)
    assert events[-1].folder == str(aligned / "v001")
    assert all(event.stage == "aligned" for event in events)


def test_a_version_says_what_it_was_made_from(first, chat, reward):
    manifest = read_manifest(first[0] / "v001")
    assert manifest["stage"] == "aligned"
    assert manifest["method"] == "rloo"
    assert manifest["chat"] == sha256(chat)
    assert manifest["reward"] == sha256(reward)
    assert manifest["records"] == []
    assert manifest["config"]["steps"] == 2
    assert {"kl", "distinct_2", "chat_distinct_2", "finished", "length"} <= manifest[
        "metrics"
    ].keys()


def test_a_version_opens_as_a_model_with_the_chat_template(first):
    transformers = pytest.importorskip("transformers")
    model = load_model(first[0] / "v001")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(first[0] / "v001")
    ids = torch.tensor([[2, 76, 77, 4, 3]])
    with torch.no_grad():
        torch.testing.assert_close(model(ids), theirs(ids).logits, atol=1e-4, rtol=1e-4)


def test_the_same_seed_gives_the_same_weights_and_every_version_grows_from_the_anchor(
    first, chat, reward
):
    aligned, _ = first
    events = run(chat, aligned, reward=reward)
    assert events[-1].folder == str(aligned / "v002")
    old, new = (read_weights(aligned / name) for name in ("v001", "v002"))
    assert all(torch.equal(old[name], new[name]) for name in old)


def votes(path, extra):
    store = FeedbackStore(path)
    gone = []
    for number, prompt in enumerate(PROMPTS):
        store.add_thumb(prompt, "yes, gladly" if number % 2 else "no", 1 if number % 2 else -1)
        if extra:
            gone.append(store.add_thumb("A secret", f"tell {number}", 1))
            gone.append(store.add_pair(prompt, "secretly", "openly", "a"))
    store.add_edit("Hello", "no", "hello you")
    return store, [record.id for record in gone]


def test_feedback_that_was_deleted_leaves_no_trace(tmp_path, chat):
    never, _ = votes(tmp_path / "never.db", extra=False)
    deleted, ids = votes(tmp_path / "deleted.db", extra=True)
    deleted.delete(ids)
    weights = []
    for name, store in (("a", never), ("b", deleted)):
        run(chat, tmp_path / name, records=store.valid())
        weights.append(read_weights(tmp_path / name / "v001"))
        store.close()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_votes_are_told_honestly_and_named_in_the_manifest(tmp_path, chat, reward):
    store, _ = votes(tmp_path / "feedback.db", extra=False)
    records = store.valid()
    events = run(chat, tmp_path / "aligned", records=records, reward=reward)
    words = " ".join(event.text for event in events if isinstance(event, Notice))
    assert "of 5 votes foreseen" in words
    assert "not distinguishable from guessing" in words
    manifest = read_manifest(tmp_path / "aligned" / "v001")
    assert manifest["records"] == [record.id for record in records]
    assert manifest["votes"] == 5
    assert {len(each) for each in manifest["learned"]} == {3}
    assert {one["record"] for one in manifest["influence"]} == set(manifest["records"])
    assert manifest["method"] == "rejection"
    json.dumps(manifest)
    store.close()


def test_an_edit_counts_as_preferred_to_what_the_model_wrote(tmp_path, chat):
    store = FeedbackStore(tmp_path / "feedback.db")
    for _ in range(3):
        store.add_edit("Hello", f"no {_}", "yes!!")
    assert [r.comparison[0].text for r in store.valid()] == ["yes!!"] * 3
    run(chat, tmp_path / "aligned", records=store.valid())
    store.close()


def test_a_policy_that_left_its_limits_is_kept_but_not_used(chat, reward, tmp_path):
    strict = Limits(kl=1e-9)
    events = run(chat, tmp_path / "aligned", reward=reward, limits=strict)
    assert current(tmp_path / "aligned") is None
    (version,) = list_versions(tmp_path / "aligned")
    assert not version.promoted
    assert version.manifest["objections"]
    assert any("kept but not used" in e.text for e in events if isinstance(e, Notice))
    assert events[-1].metrics["promoted"] == 0.0


def test_what_the_kept_policy_earned_is_told(first, chat):
    aligned, events = first
    tried = {e.step: e.metrics["reward"] for e in events if isinstance(e, Evaluation)
             and "best_step" not in e.metrics}  # fmt: skip
    closing = [e for e in events if isinstance(e, Evaluation)][-1].metrics
    assert tried[closing["best_step"]] == closing["reward"] >= tried[0]
    if closing["best_step"] == 0:
        assert not list_versions(aligned)[0].promoted


def test_stopping_half_way_leaves_no_version(chat, reward, tmp_path):
    events = align(chat, tmp_path / "aligned", prompts=PROMPTS, held_out=HELD_OUT, reward=reward,
                   config=SMALL)  # fmt: skip
    for event in events:
        if isinstance(event, Step):
            break
    events.close()
    assert list_versions(tmp_path / "aligned") == []


def test_what_cannot_be_done_is_one_clear_sentence(chat, reward, tmp_path):
    with pytest.raises(UsageError, match=r"no method 'best'. There are: rloo, ppo"):
        run(chat, tmp_path / "aligned", reward=reward, method="best")
    with pytest.raises(TinyLLMError, match="nothing to learn from"):
        run(chat, tmp_path / "aligned", records=[])
    with pytest.raises(TinyLLMError, match="prompts of at most 48 tokens"):
        run(chat, tmp_path / "aligned", reward=reward, prompts=["x" * 100])


def test_a_budget_of_seconds_chooses_the_steps_and_these_are_repeated_bit_for_bit(
    chat, reward, tmp_path, monkeypatch
):
    monkeypatch.setattr(policy_training, "TIMED", (2, 4, 6))
    monkeypatch.setattr(policy_training, "LEAST_STEPS", 16)
    hurried = PolicyConfig(**{**vars(SMALL), "seconds": 2.0, "evaluate_every": 5})
    events = run(chat, tmp_path / "aligned", reward=reward, config=hurried)
    steps = [event for event in events if isinstance(event, Step)]
    config = read_manifest(tmp_path / "aligned" / "v001")["config"]
    assert all(step.steps >= 16 for step in steps)
    assert config["steps"] == steps[-1].steps
    assert (config["stop_after"] or config["steps"]) == steps[-1].step
    assert config["seconds"] is None
    again = PolicyConfig(**{**config, "rates": Rates(**config["rates"])})
    run(chat, tmp_path / "again", reward=reward, config=again)
    once, twice = (read_weights(tmp_path / name / "v001") for name in ("aligned", "again"))
    assert all(torch.equal(weight, twice[name]) for name, weight in once.items())


def test_a_policy_that_the_gate_would_refuse_is_not_the_best_on_the_way(
    chat, reward, tmp_path, monkeypatch
):
    seen = []

    def refuse(metrics, limits):
        seen.append((sorted(metrics), limits.distinct))
        return ["It repeats itself."]

    monkeypatch.setattr(policy_training, "objections", refuse)
    keen = PolicyConfig(**{**vars(SMALL), "evaluate_every": 1})
    events = run(chat, tmp_path / "aligned", reward=reward, config=keen)
    assert events[-1].metrics["best_step"] == 0
    assert "No policy on the way" in " ".join(e.text for e in events if isinstance(e, Notice))
    names = ["distinct_2", "finished", "length"]
    expected = sorted([*names, *(f"chat_{name}" for name in names), "kl", "reward"])
    assert seen[0] == (expected, pytest.approx(NO_LIMITS.distinct + policy_training.TRIAL_MARGIN))


def test_a_policy_that_the_gate_would_refuse_is_taken_part_of_the_way_back(
    chat, reward, tmp_path, monkeypatch
):
    measure, asked = policy_training.Trial.measure, []

    def better_and_better_but_far_away(trial, policy):
        metrics, answers, rewards = measure(trial, policy)
        asked.append(policy)
        kl = 9.0 if len(asked) in (2, 3, 4) else 0.1  # both steps, and three quarters of the way
        earned = len(asked) if len(asked) < 4 else 10 - len(asked)  # more with every step
        earned_each = torch.full_like(rewards, earned)
        return {**metrics, "reward": float(earned), "kl": kl}, answers, earned_each

    trial = policy_training.Trial
    monkeypatch.setattr(trial, "measure", better_and_better_but_far_away)
    strict = Limits(**{**vars(NO_LIMITS), "kl": 4.0})
    events = run(chat, tmp_path / "part", reward=reward, limits=strict)
    asked.clear()
    run(chat, tmp_path / "whole", reward=reward)
    metrics = events[-1].metrics
    assert (metrics["best_step"], metrics["share"], metrics["reward"]) == (2, 0.5, 5.0)
    told = [e.text for e in events if isinstance(e, Notice)]
    assert "taken 25% of the way back" in told[0]
    assert "4.00 are allowed" in told[0]
    assert "taken 50% of the way back" in told[1]
    assert "allowed" not in told[1]
    old, part, whole = map(
        read_weights, (chat, tmp_path / "part" / "v001", tmp_path / "whole" / "v001")
    )
    for name in old:
        torch.testing.assert_close(part[name], (old[name] + whole[name]) / 2)
    assert any(not torch.equal(old[name], whole[name]) for name in old)


def test_what_the_gate_refuses_is_measured_again_part_of_the_way_back(
    chat, reward, tmp_path, monkeypatch
):
    verdicts = [["It repeats itself."], []]
    monkeypatch.setattr(
        sys.modules["tinyllm.alignment.align"],
        "objections",
        lambda metrics, limits: verdicts.pop(0),
    )
    measure, asked = policy_training.Trial.measure, []

    def better_and_better(trial, policy):
        asked.append(policy)
        metrics, answers, rewards = measure(trial, policy)
        earned = float(len(asked))
        return {**metrics, "reward": earned}, answers, torch.full_like(rewards, earned)

    monkeypatch.setattr(policy_training.Trial, "measure", better_and_better)
    events = run(chat, tmp_path / "part", reward=reward)
    assert events[-1].metrics["share"] == 0.75
    assert events[-1].metrics["promoted"] == 1
    assert any("It repeats itself" in e.text for e in events if isinstance(e, Notice))
    monkeypatch.undo()
    monkeypatch.setattr(policy_training.Trial, "measure", better_and_better)
    asked.clear()
    run(chat, tmp_path / "whole", reward=reward)
    old, part, whole = map(
        read_weights, (chat, tmp_path / "part" / "v001", tmp_path / "whole" / "v001")
    )
    for name in old:
        torch.testing.assert_close(part[name], old[name] + 0.75 * (whole[name] - old[name]))


class Verdict:
    def __init__(self, passed):
        self.passed = passed


def test_a_policy_that_forgot_to_be_safe_does_not_come_through(chat, reward, tmp_path):
    canaries = Canaries(
        instructions=[type("Question", (), {"prompt": prompt})() for prompt in PROMPTS],
        grade=lambda instruction, completion, *, finished: Verdict(True),
    )
    events = run(chat, tmp_path / "aligned", reward=reward, canaries=canaries)
    assert events[-1].metrics["safe"] == events[-1].metrics["chat_safe"] == 1.0
    found = objections({"kl": 1.0, "safe": 0.95, "chat_safe": 0.99}, Limits())
    assert found == ["It is safe in 95.0% of the trial questions; the chat model in 99.0%."]


def test_the_gate_names_every_limit_that_was_left():
    good = {"kl": 2.0, "distinct_2": 0.5, "finished": 0.97, "length": 20.0, "safe": 0.98}
    chat = {"chat_distinct_2": 0.5, "chat_finished": 0.97, "chat_length": 20.0, "chat_safe": 0.98}
    assert objections(good | chat, Limits()) == []
    for name, value in (("kl", 4.1), ("distinct_2", 0.44), ("finished", 0.94), ("length", 50.0),
                        ("length", 5.0), ("safe", 0.95)):  # fmt: skip
        assert len(objections(good | chat | {name: value}, Limits())) == 1
    assert len(objections(good | chat | {"kl": math.nan}, Limits())) == 1


def test_distinct_pairs_are_compared_over_equal_numbers_of_tokens():
    assert distinct_2([[1, 2, 3, 4]]) == 1.0
    assert distinct_2([[1, 1, 1, 1, 1]]) == 0.25
    assert distinct_2([[1, 2], [1, 2], [1, 2]]) == pytest.approx(1 / 3)
    assert distinct_2([[1, 2], [3, 4]], tokens=2) == 1.0
    assert distinct_2([[7]]) == 0.0
