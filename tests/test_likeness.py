"""Which prompts are of a kind: by the words they share, rare ones first."""

import pytest

from tinyllm.alignment.likeness import closeness, likeness, most_alike
from tinyllm.village import instructions

SEEN = (("Tom", "hat"), ("Ida", "kite"), ("Max", "mug"), ("Nell", "drum"), ("Sam", "bell"))
STORIES = [f"Tell me a story about {name} and a {thing}." for name, thing in SEEN]
SUMS = ["What is two plus two?", "What is one plus three?", "How much is five plus one?"]


def test_prompts_like_those_voted_on_come_first_and_none_of_those_themselves():
    found = most_alike([*SUMS, *STORIES], STORIES[:2], 3)
    assert sorted(found) == sorted(STORIES[2:])
    assert most_alike(SUMS, [], 2) == SUMS[:2]
    assert len(most_alike([*SUMS, *SUMS], STORIES, 99)) == 3


def test_every_vote_brings_prompts_in_turn():
    found = most_alike([*SUMS, *STORIES[1:]], [STORIES[0], "Two plus five?"], 2)
    assert found[0] in STORIES
    assert found[1] in SUMS


def test_likeness_is_one_with_itself_and_the_same_both_ways():
    table = likeness([text.split() for text in [*STORIES, *SUMS]])
    assert table.diagonal() == pytest.approx(1)
    assert (table == table.T).all()
    assert table[0, 1] > 0.3 > table[0, 6]


def test_stories_of_the_village_are_told_from_what_else_it_is_asked():
    asked = {kind: [] for kind in ("story", "fact", "talk", "counting", "true_or_false", "danger")}
    for number, one in enumerate(instructions(split="train", seed=3)):
        if one.kind in asked:
            asked[one.kind].append(one.prompt)
        if number > 800:
            break
    voted, others = asked["story"][:60], asked["story"][60:]
    assert (closeness(others, voted) > 0.35).mean() > 0.8
    for kind in set(asked) - {"story"}:
        assert (closeness(asked[kind], voted) > 0.35).mean() < 0.05, kind
