"""Alignment beside TRL: both sides really train, on the same prompts and labels."""

from types import SimpleNamespace

import pytest

from tinyllm.files import UsageError
from tinyllm.report import load_bench

pytest.importorskip("trl")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture
def bench(monkeypatch):
    bench = load_bench("align")
    for name, value in {"PROMPTS": 6, "ASKED": 4, "PROMPTS_PER_STEP": 2, "SAMPLES": 2,
                        "MAX_NEW_TOKENS": 8, "LEARNING_RATES": (3e-4,),
                        "FASTER": (2.0,)}.items():  # fmt: skip
        monkeypatch.setattr(bench, name, value)
    return bench


def test_both_sides_take_as_many_steps_and_are_graded(bench, monkeypatch, trained_home):
    chat = trained_home / "runs" / "default" / "chat"
    policies = []
    plain = bench.graded
    monkeypatch.setattr(
        bench, "graded", lambda policy, scene: (policies.append(policy), plain(policy, scene))[1]
    )
    values = iter(range(10_000))
    monkeypatch.setattr(  # so that there is something to prefer in what so small a model says
        bench, "grade", lambda *_, **__: SimpleNamespace(score=next(values) % 7 / 7)
    )
    found = bench.run(chat, steps=2)
    assert found["steps"] == 2
    for method in ("rloo", "grpo", "dpo", "kto"):
        seconds = found[method]["seconds"]
        assert found[method]["ratio"]["median"] == pytest.approx(seconds["trl"] / seconds["ours"])
        assert [found[method][who]["rate"] for who in ("ours", "trl")] == [2.0, 3e-4]
        assert found[method]["trl"]["distinct_2"] > 0
    before, *moved = policies
    assert len(moved) == 8
    for policy in moved:
        assert any(
            not old.equal(new)
            for old, new in zip(before.parameters(), policy.parameters(), strict=True)
        )


def test_diversity_is_compared_over_as_many_tokens_of_both(bench):
    short, long = ([[1, 2], [3, 4]], [[1, 2], [1, 2], [1, 2]])
    graded = [bench.Graded(0.5, (0.4, 0.6), answers) for answers in (short, long)]
    assert bench.diversity(*graded) == pytest.approx(2)


def test_a_method_that_trl_lacks_is_refused(bench, tmp_path):
    with pytest.raises(UsageError, match="not in ppo"):
        bench.run(tmp_path, methods=["ppo"])
