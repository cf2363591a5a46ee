"""Words that come and go: no oracle but arithmetic, and what chance does when nothing changed."""

import math

import numpy as np
import pytest

from tinyllm.alignment.word_changes import (
    ANYWHERE,
    LAST,
    TURNS,
    chance_of,
    paired_share,
    word_changes,
)


def test_one_column_alone_has_the_chance_of_the_sign_test():
    changes = np.array([[1]] * 9 + [[-1]] + [[0]] * 30)
    exact = 2 * sum(math.comb(10, k) for k in (9, 10)) / 2**10
    noise = 4 * math.sqrt(exact / TURNS)
    assert chance_of(changes)[0] == pytest.approx(exact, abs=noise)


def test_a_second_column_makes_the_first_less_sure_unless_they_always_go_together():
    first = np.array([[1]] * 9 + [[-1]])
    other = np.random.default_rng(3).choice([-1, 1], size=(10, 20))
    alone = chance_of(first)[0]
    assert chance_of(np.hstack([first, first]))[0] == alone
    assert chance_of(np.hstack([first, other]))[0] > 1.5 * alone


def test_where_nothing_changed_one_word_in_twenty_looks_is_named_at_most():
    rng = np.random.default_rng(5)
    named = 0
    for seed in range(200):
        changes = rng.choice([-1, 0, 1], size=(60, 30), p=[0.2, 0.6, 0.2])
        named += chance_of(changes, seed=seed).min() <= 0.05
    assert named / 200 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_a_word_counts_once_an_answer_and_once_more_in_the_last_sentence():
    before = ["It rained, rained and rained. Tom slept."] * 10
    after = ["It rained and rained. Tom woke."] * 10
    changed, tried = word_changes(before, after)
    told = {(one.word, one.where): (one.before, one.after) for one in changed}
    assert told == {
        (word, where): shares
        for where in (ANYWHERE, LAST)
        for word, shares in (("slept", (1, 0)), ("woke", (0, 1)))
    }
    assert tried == 4


def test_too_few_changes_are_not_looked_at():
    before, after = ["A hat."] * 50, ["A hen."] * 5 + ["A hat."] * 45
    assert word_changes(before, after) == ([], 0)
    assert word_changes(before, before) == ([], 0)


def test_a_change_and_its_mirror_image_have_mirrored_intervals():
    before, after = [True] * 3 + [False] * 47, [False] * 2 + [True] * 20 + [False] * 28
    gain, loss = paired_share(before, after), paired_share(after, before)
    assert gain.value == -loss.value == pytest.approx(0.34)
    assert (gain.low, gain.high) == pytest.approx((-loss.high, -loss.low))


@pytest.mark.parametrize(("came", "sure"), [(3, False), (4, False), (6, True), (20, True)])
def test_so_many_one_way_changes_in_a_hundred_are_beyond_chance(came, sure):
    after = [True] * came + [False] * (100 - came)
    assert (paired_share([False] * 100, after).low > 0) == sure
    assert (2 * 0.5**came < 0.05) == sure  # as the sign test has it


def test_the_same_cases_are_needed_before_and_after():
    with pytest.raises(ValueError, match="got 2 and 1"):
        paired_share([True, False], [True])
