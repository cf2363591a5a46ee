"""What a question would tell, which is asked next, and that chance keeps its quarter."""

import math
from dataclasses import replace
from itertools import combinations, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from some_votes import simulate

from tinyllm.alignment.asking import (
    AT_RANDOM,
    Question,
    QuestionPool,
    after,
    entropy,
    information,
    outcomes,
    rank,
    tell_most,
)
from tinyllm.alignment.explanations import LAPSE, Explained, explain
from tinyllm.alignment.honesty import foreseen
from tinyllm.alignment.records import Answer, Record
from tinyllm.alignment.thumbs import Votes

HALVES = torch.tensor([0.5, 0.5]).double()
relaxed = settings(deadline=None, max_examples=50)
chances = st.floats(0, 1, allow_nan=False)
tables = st.integers(1, 5).flatmap(
    lambda columns: st.tuples(
        st.lists(st.lists(chances, min_size=columns, max_size=columns), min_size=1, max_size=6),
        st.lists(st.floats(0.01, 1), min_size=columns, max_size=columns),
    )
)


def as_tensors(table):
    p, shares = (torch.tensor(values, dtype=torch.float64) for values in table)
    return p, shares / shares.sum()


def explained(weights, thresholds=None, shares=None):
    weights = torch.tensor(weights, dtype=torch.float64)
    count = len(weights)
    return Explained(
        weights=weights,
        thresholds=torch.tensor(thresholds or [0.0] * count, dtype=torch.float64),
        shares=torch.tensor(shares or [1 / count] * count, dtype=torch.float64),
        named=weights != 0,
    )


def thumbs(count):
    return torch.ones(count, dtype=torch.bool)


@relaxed
@given(tables)
def test_no_vote_tells_less_than_nothing_or_more_than_ln_2(table):
    nats = information(*as_tensors(table))
    assert (nats >= 0).all()
    assert (nats <= math.log(2)).all()


@relaxed
@given(chances, st.integers(1, 6))
def test_where_all_explanations_agree_a_vote_tells_nothing(chance, count):
    p = torch.full((1, count), chance, dtype=torch.float64)
    nats = information(p, torch.full((count,), 1 / count, dtype=torch.float64))
    assert nats.item() == pytest.approx(0, abs=1e-12)


@relaxed
@given(tables)
def test_a_question_turned_round_tells_as_much(table):
    p, shares = as_tensors(table)
    torch.testing.assert_close(information(1 - p, shares), information(p, shares))


def test_two_that_wholly_disagree_are_told_apart_but_for_the_slips():
    told = explained([[1000.0], [-1000.0]])
    p = outcomes(told, torch.tensor([[1.0]]).double(), thumbs(1))
    nats = information(p, told.shares).item()
    assert nats == pytest.approx(math.log(2) - entropy(torch.tensor(LAPSE)).item())


@relaxed
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_a_pair_tells_the_same_whichever_answer_is_a(difference):
    told = explained([[2.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.5, 0.0, 1.0]], [3.0, 0.0, -1.0])
    x = torch.tensor([difference, [-value for value in difference]]).double()
    a, b = information(outcomes(told, x, ~thumbs(2)), told.shares)
    assert a.item() == pytest.approx(b.item(), abs=1e-12)


def told_together(p, shares, rows):
    """The information of the answers to all of these questions, summed over every way to answer."""
    total, noise = torch.zeros(()).double(), 0.0
    for said in product((0, 1), repeat=len(rows)):
        each = shares.clone()
        for row, up in zip(rows, said, strict=True):
            each = each * (p[row] if up else 1 - p[row])
        total += torch.special.entr(each.sum())
    for row in rows:
        noise += float(entropy(p[row]) @ shares)
    return float(total) - noise


@relaxed
@given(tables)
def test_the_first_question_tells_most_and_each_further_one_adds_most(table):
    p, shares = as_tensors(table)
    chosen = tell_most(p, shares, 3)
    assert len(chosen) == len(set(chosen)) == min(3, len(p))
    for size in range(1, len(chosen) + 1):
        others = set(range(len(p))) - set(chosen[: size - 1])
        best = max(told_together(p, shares, [*chosen[: size - 1], row]) for row in others)
        assert told_together(p, shares, chosen[:size]) == pytest.approx(best, abs=1e-9)


def test_questions_chosen_together_are_no_near_duplicates():
    told = explained([[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0], [0.0, 0, 0]], [-4.0] * 4)
    kinds = torch.eye(3).double()
    x = kinds.repeat_interleave(5, 0) + 0.01 * torch.arange(15)[:, None]
    p = outcomes(told, x, thumbs(15))
    alone = information(p, told.shares).argsort(descending=True)[:3].tolist()
    assert {row // 5 for row in tell_most(p, told.shares, 3)} == {0, 1, 2}
    assert len({row // 5 for row in alone}) < 3


def test_after_a_vote_each_share_is_weighed_by_what_it_expected():
    told = explained([[2.0], [-1.0]], [0.5, 0.0], [0.3, 0.7])
    x, up = torch.tensor([[1.0], [0.4]]).double(), torch.tensor([1.0, 0.0])
    p = outcomes(told, x, thumbs(2))
    both = told.shares * p[0] * (1 - p[1])
    torch.testing.assert_close(after(told, x, thumbs(2), up).shares, both / both.sum())
    assert after(told, x, thumbs(2), up).weights is told.weights


def test_what_a_vote_tells_is_how_much_the_doubt_shrinks_on_average():
    told = explained([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0]])
    x = torch.tensor([[1.0, 1.0], [0.1, 0.0], [1.0, -1.0], [0.0, 0.3]]).double()
    p = outcomes(told, x, thumbs(4))
    expected = []
    for row in range(4):
        left = 0.0
        for up in (0.0, 1.0):
            said = after(told, x[[row]], thumbs(1), torch.tensor([up])).shares
            chance = float(p[row] @ told.shares) if up else 1 - float(p[row] @ told.shares)
            left += chance * float(torch.special.entr(said).sum())
        expected.append(float(torch.special.entr(told.shares).sum()) - left)
    torch.testing.assert_close(torch.tensor(expected).double(), information(p, told.shares))


def explain_all(votes):
    features = torch.zeros(votes.x.shape[1], dtype=torch.float64)
    return explain(votes, features + 3.0, prior_mean=features)


def test_without_votes_nothing_is_worth_choosing_and_chance_chooses():
    votes = simulate(30, 4, seed=0)
    told = explain_all(votes[:0])
    assert rank(told, votes.x, votes.thumb) == []
    pool = QuestionPool()
    pool.add(range(12))
    pool.rank(rank(told, votes.x, votes.thumb))
    assert {pool.take()[1] for _ in range(12)} == {"random"}


@pytest.mark.parametrize("shown", [1, 20])
def test_after_votes_that_contradict_each_other_nothing_is_known(shown):
    x = torch.randn(shown, 4, generator=torch.Generator().manual_seed(1)).double()
    said = torch.arange(2 * shown) < shown
    votes = Votes(x=torch.cat([x, x]), up=said.double(), thumb=thumbs(2 * shown))
    told = explain_all(votes)
    assert told.predict(x, thumbs(shown)).tolist() == pytest.approx([0.5] * shown, abs=1e-6)
    assert rank(told, x, thumbs(shown)) == []


def test_once_something_is_suspected_the_questions_that_decide_it_come_first():
    votes = simulate(10, 6, seed=3)
    told = explain_all(votes)
    fresh = torch.randn(60, 6, generator=torch.Generator().manual_seed(5)).double()
    ranking = rank(told, fresh, thumbs(60))
    nats = information(outcomes(told, fresh, thumbs(60)), told.shares)
    assert ranking[0] == nats.argmax()
    assert len(set(ranking)) == len(ranking)
    assert ranking[6:] == sorted(ranking[6:], key=lambda row: -nats[row])


@relaxed
@given(st.lists(st.integers(0, 5), max_size=60), st.floats(AT_RANDOM, 1.0), st.randoms())
def test_chance_has_its_share_of_the_first_n_questions_for_every_n(arrivals, share, rng):
    pool, ready, drawn = QuestionPool(share), 8, 0
    pool.add(range(ready))
    for taken, more in enumerate(arrivals, 1):
        pool.rank(rng.sample(pool.rankable, len(pool.rankable)))
        _, chosen_by = pool.take()
        drawn += chosen_by == "random"
        pool.add(range(ready, ready + more + 1))
        ready += more + 1
        assert drawn >= share * taken - 1e-9


@relaxed
@given(st.randoms())
def test_what_chance_draws_does_not_depend_on_what_is_known(rng):
    drawn = []
    for _ in range(2):
        pool = QuestionPool()
        pool.add(range(40))
        said = []
        for number in range(24):
            pool.rank(rng.sample(pool.rankable, len(pool.rankable)))
            said.append(pool.take())
            pool.add([40 + number])
        drawn.append([number for number, chosen_by in said if chosen_by == "random"])
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 6


def test_a_question_that_was_passed_over_is_never_called_random():
    pool = QuestionPool()
    pool.add(range(4))
    pool.rank([3])
    assert [pool.take() for _ in range(2)] == [(0, "random"), (3, "active")]
    assert pool.take() == (1, "active")  # the ranking knew it, and preferred 3
    pool.take()
    with pytest.raises(IndexError, match="got none"):
        pool.take()


def test_less_than_a_quarter_by_chance_is_refused():
    with pytest.raises(ValueError, match=r"from 0\.25 to 1, got 0\.1"):
        QuestionPool(0.1)


def vote(number, value, predicted, chosen_by):
    return Record(
        id=f"{number}", time="", session="s", turn=f"{number}", kind="thumb", prompt="Hello",
        answer=Answer(text="Hm."), value=value, predicted=predicted, chosen_by=chosen_by,
    )  # fmt: skip


def test_the_votes_that_chance_drew_are_foreseen_as_well_as_all_and_the_chosen_ones_worse():
    """One feature is known to matter; which questions are asked is left to entropy, the plainest
    of criteria, so that the truth is known: the share foreseen among all questions."""
    everything = simulate(4000, 1, seed=11)
    p = torch.sigmoid(3 * everything.x[:, 0])
    pool = QuestionPool()
    pool.add(range(4000))
    pool.rank(sorted(pool.rankable, key=lambda number: abs(float(p[number]) - 0.5)))
    records = []
    for _ in range(2000):
        number, chosen_by = pool.take()
        value = 1 if everything.up[number] else -1
        records.append(vote(number, value, float(p[number]), chosen_by))
    truth = float(((p > 0.5) == everything.up.bool()).double().mean())
    fair, chosen = foreseen(records).share, foreseen(records, "active").share
    assert (fair.n, chosen.n) == (500, 1500)
    assert fair.low < truth < fair.high
    assert chosen.high < fair.low


def test_ties_and_votes_that_nobody_predicted_are_not_counted():
    tie = replace(
        vote(0, 1, 0.9, "random"), kind="pair", choice="tie", shown="ab", other=Answer(text="Ha")
    )
    preferred = replace(tie, choice="b")
    unknown = vote(1, 1, None, "random")
    assert foreseen([tie, unknown]).share.n == 0
    assert foreseen([tie, unknown, preferred]).share.value == 0.0


@pytest.mark.parametrize(
    ("answers", "predicted", "shown", "sentence"),
    [
        ("a", 0.71, "ab", "I expected a thumb up: 71%."),
        ("a", None, "ab", "I expected nothing yet."),
        ("ab", 0.8, "ab", "I expected the first answer: 80%."),
        ("ab", 0.8, "ba", "I expected the second answer: 80%."),
        ("ab", 0.2, "ba", "I expected the first answer: 80%."),
    ],
)
def test_what_was_expected_is_said_as_it_stands_on_the_screen(answers, predicted, shown, sentence):
    question = Question(
        prompt="Hello", answers=tuple(Answer(text=each) for each in answers), prompt_ids=(),
        chosen_by="random", predicted=predicted, shown=shown,
    )  # fmt: skip
    assert question.foretold == sentence


def test_all_pairs_of_explanations_add_up_to_no_more_than_the_doubt_there_is():
    """What one vote tells is never more than the entropy of the shares."""
    for shares in combinations((0.05, 0.15, 0.35, 0.45), 2):
        share = torch.tensor(shares).double()
        share = share / share.sum()
        nats = information(torch.tensor([[1.0, 0.0]]).double(), share)
        assert nats.item() == pytest.approx(float(torch.special.entr(share).sum()))
