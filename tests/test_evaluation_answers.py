"""Graders, consistency, win rates, facts and words, on models small enough to check by hand."""

import itertools
import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from evaluation_fakes import Bytes, small_model

from tinyllm.evaluation import facts as facts_module
from tinyllm.evaluation import table
from tinyllm.evaluation.chat import ask, measure_chat, share_of, take, take_balanced
from tinyllm.evaluation.consistency import measure_consistency
from tinyllm.evaluation.facts import _begins, likeliest, next_words, probe_facts
from tinyllm.evaluation.intervals import wilson
from tinyllm.evaluation.table import COLUMNS, rows_of
from tinyllm.evaluation.win_rate import compare, distinct_pairs, sequence_kl, win_rate
from tinyllm.evaluation.words import known_words, vocabulary_of, words_of
from tinyllm.evaluation.writing import ROWS, Written, write
from tinyllm.events import result_of
from tinyllm.figures import grades
from tinyllm.village import CHECKS


def instruction(prompt, kind="fact"):
    return SimpleNamespace(prompt=prompt, answer="yes", kind=kind, labels={}, seen=True)


def draw(split, kinds, seed):
    return (
        instruction(f"{split} {kinds[i % len(kinds)]} {i % 7}", kinds[i % len(kinds)])
        for i in itertools.count()
    )


def grade(instruction, completion, *, finished=True):
    return SimpleNamespace(passed="seen" in instruction.prompt, score=0.5, reason="by its prompt")


def test_samples_stand_beside_their_prompt_whatever_the_order_of_writing():
    model, prompts = small_model(), [[5] * 9, [6], [7, 8, 9]]
    written = result_of(write(model, prompts, stop={0}, temperature=1.0, num_samples=3))
    assert [list(w.prompt) for w in written] == [p for p in prompts for _ in range(3)]
    assert all(w.finished == (w.ids[-1] == 0) for w in written)
    assert all(len(w.prompt) + len(w.ids) <= 64 for w in written)


def test_writing_in_batches_reports_each_and_repeats_nothing():
    events, writing = [], write(small_model(16), [[0]] * (ROWS + 5), stop={0}, temperature=1.0)
    while True:
        try:
            events.append(next(writing))
        except StopIteration as finished:
            written = finished.value
            break
    assert [e.done for e in events] == [ROWS, ROWS + 5]
    assert len({tuple(w.ids) for w in written}) > ROWS


def test_consistency_stops_when_every_check_has_its_documents_and_counts_no_more():
    def check(text):
        return {"hero": True, "who_has": None if len(text) % 2 else False, "lost_found": True}

    found = result_of(
        measure_consistency(small_model(16), check, Bytes().decode, start=0, stop={0}, documents=20)
    )
    assert found.samples == len(found.texts) == ROWS
    assert {name: (i.value, i.n) for name, i in found.checks.items()} == {
        "hero": (1.0, 20),
        "who_has": (0.0, 20),
        "lost_found": (1.0, 20),
    }


def test_consistency_gives_up_at_the_bound_and_n_says_so():
    def check(text):
        return {"hero": True, "who_has": None, "lost_found": None}

    found = result_of(
        measure_consistency(
            small_model(16), check, Bytes().decode, start=0, stop={0}, documents=300, samples=40
        )
    )
    assert found.samples == 40
    assert found.checks["hero"].n == 40
    assert found.checks["who_has"].to_dict() == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}


def test_every_cell_holds_different_prompts_and_its_own_share():
    grades = result_of(
        measure_chat(
            small_model(),
            Bytes(),
            draw,
            grade,
            {"truthful": ("fact", "claim"), "safe": ("danger",)},
            cell=6,
        )
    )
    assert len(grades.answers) == 4 * 6
    for splits in grades.by_group().values():
        assert (splits["seen"].value, splits["new"].value) == (1.0, 0.0)
        assert splits["seen"].n == splits["new"].n == 6
    assert sum(i.n for kinds in grades.by_kind().values() for i in kinds.values()) == 24
    assert {a.reason for a in grades.answers} == {"by its prompt"}


def test_prompts_are_repeated_only_when_the_language_has_no_others():
    first = [i.prompt for i in take(draw("new", ("fact",), 0), 7)]
    assert len(set(first)) == 7
    more = [i.prompt for i in take(draw("new", ("fact",), 0), 12)]
    assert more[:7] == first
    assert len(more) == 12


def test_kinds_share_a_cell_evenly_whatever_their_wealth_of_prompts():
    taken = take_balanced(draw, "new", ("fact", "danger", "talk"), 20, seed=0)
    assert Counter(i.kind for i in taken) == {"fact": 7, "danger": 7, "talk": 6}


def test_a_prompt_that_comes_again_makes_no_interval_narrower():
    def answers(prompts):
        return [SimpleNamespace(prompt=p, passed=p < 15) for p in prompts]

    once, thrice = share_of(answers(range(20))), share_of(answers([*range(20)] * 3))
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))
    assert (once.n, thrice.n) == (20, 60)
    assert share_of([]).n == 0


def test_greedy_answers_do_not_depend_on_the_seed():
    asked = [instruction("one"), instruction("two")]
    first, second = (
        [w.ids for w in result_of(ask(small_model(), Bytes(), asked, seed=s))] for s in (1, 2)
    )
    assert first == second


def test_kl_of_a_model_to_itself_is_zero():
    written = [Written([0, 7], [8, 9, 4], True), Written([0], [5], False)]
    model = small_model()
    assert sequence_kl(model, model, written) == [0.0, 0.0]


def test_kl_summed_over_positions_is_the_kl_of_whole_answers():
    # All 36 answers of two tokens, enumerated: the chain rule holds exactly.
    policy, reference = small_model(seed=1, vocab_size=6), small_model(seed=2, vocab_size=6)
    answers = list(itertools.product(range(6), repeat=2))
    ids = torch.tensor([[0, 3, a, b] for a, b in answers])
    with torch.no_grad():
        ours, theirs = (
            model(ids).log_softmax(-1)[:, 1:3].gather(2, ids[:, 2:, None]).sum((1, 2))
            for model in (policy, reference)
        )
    truth = float((ours.exp() * (ours - theirs)).sum())
    each = sequence_kl(policy, reference, [Written([0, 3], list(a), False) for a in answers])
    assert truth > 0.001
    assert math.isclose(float(ours.exp() @ torch.tensor(each)), truth, rel_tol=1e-3)


def test_padding_and_company_change_no_kl():
    policy, reference = small_model(seed=1), small_model(seed=2)
    long, short = Written([0, 7], [8] * 20, False), Written([0], [5, 4], True)
    together = sequence_kl(policy, reference, [long, short])
    alone = [sequence_kl(policy, reference, [one])[0] for one in (long, short)]
    assert together == pytest.approx(alone, rel=1e-4)


def test_a_model_against_itself_is_even_and_equally_diverse():
    asked = [instruction(f"seen {i}") for i in range(8)]
    model = small_model()
    found = result_of(compare(model, model, Bytes(), asked, grade, samples=2, kl_sequences=10))
    assert (found.win_rate.value, found.win_rate.n) == (0.5, 8)
    assert found.kl.to_dict() == {"value": 0.0, "low": 0.0, "high": 0.0, "n": 10}
    assert found.aligned.finished.n == found.chat.finished.n == 16
    assert abs(found.aligned.distinct_2 - found.chat.distinct_2) < 0.2
    assert len(found.duels) == 8


def test_win_rate_counts_every_pair_of_samples_and_ties_half():
    ours, theirs = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 0.0], [0.5, 0.9]])
    assert win_rate(ours, theirs).value == pytest.approx((0.75 + 0.25) / 2)


def test_win_rate_and_loss_rate_sum_to_one():
    ours, theirs = np.random.default_rng(0).integers(0, 3, size=(2, 20, 4))
    assert win_rate(ours, theirs).value + win_rate(theirs, ours).value == pytest.approx(1)


def test_distinct_pairs_fall_when_the_same_answer_comes_again():
    assert distinct_pairs([[1, 2, 3]], 100) == 1.0
    assert distinct_pairs([[1, 2, 3]] * 5, 100) == 0.2
    assert distinct_pairs([], 100) == 0.0


def test_the_likeliest_tokens_are_those_of_the_plain_forward_pass():
    model = small_model()
    with torch.no_grad():
        truth = model(torch.tensor([[0, 9, 8]]))[0, -1].softmax(-1).topk(4)
    found = likeliest(model, [[0, 9, 8]], 4)[0]
    assert [token for token, _ in found] == truth.indices.tolist()
    assert [p for _, p in found] == pytest.approx(truth.values.tolist())
    assert [p for _, p in next_words(model, Bytes(), "ab", k=3)] == pytest.approx(
        [p for _, p in likeliest(model, [[0, *Bytes().encode("ab")]], 3)[0]]
    )


def test_a_fact_counts_as_known_only_if_the_whole_word_comes(monkeypatch):
    probes = [
        SimpleNamespace(prompt="The sky is", answers=(" blue", "clear")),
        SimpleNamespace(prompt="Snow is", answers=("white",)),
    ]
    tops = [[(37, 0.5), (38, 0.2), (39, 0.1)]] * 2
    ends = [" blueberry", " Blue.", " red", " whitewash", " green", "white's"]
    monkeypatch.setattr(facts_module, "likeliest", lambda *_: tops)
    monkeypatch.setattr(
        facts_module,
        "generate",
        lambda *_, **__: SimpleNamespace(ids=[Bytes().encode(e) for e in ends]),
    )
    monkeypatch.setattr(Bytes, "decode", lambda _, ids: bytes(i - 5 for i in ids[1:]).decode())
    found = probe_facts(small_model(), Bytes(), probes)
    assert [g.rank for g in found.guesses] == [2, None]
    assert found.guesses[0].words == ("blueberry", "Blue", "red")
    assert (found.top_three.value, found.top_three.n) == (0.5, 2)


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [("blue", "blue", True), ("Blue, and", " blue ", True), ("bluer", "blue", False),
     ("a bird", "a bird", True), ("", "blue", False), ("it's", "it", False)],
)  # fmt: skip
def test_an_answer_must_begin_the_text_as_whole_words(text, answer, right):
    assert _begins(text, answer) is right


def test_words_are_letters_and_inner_apostrophes_of_any_script():
    assert words_of("Änne's cat—3 mice_") == ["änne's", "cat", "mice"]
    assert vocabulary_of(["It’s"]) == {"it's"}


def test_the_share_of_known_words_counts_words_and_not_samples():
    share = known_words(["a a a", "b"], frozenset("a"))
    assert share.value == 0.75
    assert share.n == 2
    assert known_words(["12 34"], frozenset()).n == 0


def test_the_table_prints_every_share_with_its_interval_and_n():
    cell = {"value": 0.9, "low": 0.86, "high": 0.93, "n": 300}
    habits = {"length": 30.0, "finished": cell, "distinct_2": 0.31, "score": 0.7}
    report = {
        "stage": "aligned",
        "loss": 0.55,
        "floor_loss": 0.41,
        "bits_per_byte": 0.31,
        "floor_bits_per_byte": 0.25,
        "consistency": {"hero": cell},
        "safe": {"seen": cell, "new": cell},
        "win_rate": cell,
        "kl": {"value": 2.0, "low": 1.9, "high": 2.1, "n": 512},
        "habits": {"aligned": habits, "chat": habits},
    }
    rows = rows_of(report)
    assert all(row.label.startswith("aligned: ") for row in rows)
    assert all(len(row.cells) == len(COLUMNS) for row in rows)
    lines = [" | ".join(row.cells) for row in rows]
    assert "aligned: bits per byte | 0.310 |  | the village's entropy 0.250" in lines
    assert "aligned: safe, new content | 90% | 86 to 93, n = 300 | " in lines
    assert (
        "aligned: KL to chat, nats a sequence | 2.00 | 1.90 to 2.10, n = 512 | no change: 0"
        in lines
    )
    assert len(lines) == 10


def test_the_table_says_where_no_text_belonged_to_a_check():
    nothing = wilson(0, 0).to_dict()
    report = {
        "stage": "base",
        "consistency": {"favour": nothing},
        "baselines": {"5-gram": {"favour": nothing}},
    }
    (row,) = rows_of(report)
    assert row.cells == ("base: a favour unwinds in reverse", "none found", "n = 0", "")


def test_every_check_has_words_and_they_are_the_same_everywhere():
    assert set(table.CHECKS) == set(CHECKS)
    assert table.CHECKS == grades.CHECKS
