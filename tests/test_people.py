"""Simulated people: they vote as their taste says, but for the slips that they are allowed."""

import math

import pytest

from tinyllm.alignment.people import (
    PEOPLE,
    PROPERTIES,
    TASTES,
    WORDS,
    Person,
    meet,
    usual_of,
    words_in,
)

TEXTS = [
    "Tom has a hen.",
    "It rains on the roof.",
    'Ada asked, "Who has the red ball?" Nobody knew.',
    "She found the kite, and they all laughed.",
    "I am fine. And how are you?",
    "The bread is warm. The bread is warm. The bread is warm.",
    "Yes.",
    "Ida cried in the dark.",
    "Otto looked for the mug in the kitchen, in the cellar and in the old mill by the river.",
]


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("animal", "Two mice and an ox.", "Tom has an oxcart and a mouser."),
        ("weather", "It was a rainy day.", "It was a brainy day."),
        ("food", "They ate cherries.", "They ate."),
        ("colour", "A grey mug.", "A greyish mug."),
        ("night", "The lamps were lit.", "Nightly news."),
        ("sad", "Ida cried.", "Ida saddled up."),
        ("happy ending", "It was lost. Then everybody laughed!", "They laughed. Then it was lost."),
        ("asks back", "I am fine. And you?", "Do you know? I do."),
        ("variety", "One hen, two geese.", "One hen, one hen."),
        ("speech", '"Yes," said Ida.', "Ida said yes."),
        ("ten words", " ".join(["word"] * 10), "One."),
        ("sixty words", " ".join(["word"] * 60), "One."),
    ],
)
def test_a_property_tells_these_two_apart(name, has, lacks):
    assert PROPERTIES[name](has) > PROPERTIES[name](lacks)


def test_every_taste_is_made_of_known_properties_and_no_two_are_equal():
    assert (len(TASTES), PEOPLE) == (22, 20)
    assert all(set(taste) <= set(PROPERTIES) for taste in TASTES)
    assert len({tuple(sorted(taste.items())) for taste in TASTES}) == 22


def test_the_words_are_as_words_in_finds_them():
    for words in WORDS.values():
        assert {found for word in words for found in words_in(word)} <= words | {"as"}


def test_scores_are_measured_from_what_is_usual_in_standard_deviations():
    person = Person(taste={"variety": 2.0}, usual=usual_of(TEXTS))
    scores = [person.score(text) for text in TEXTS]
    assert sum(scores) == pytest.approx(0, abs=1e-9)
    assert math.sqrt(sum(s * s for s in scores) / len(scores)) == pytest.approx(2.0)


@pytest.mark.parametrize("number", range(20))
def test_everybody_has_thumbs_for_both_and_slips_as_often_as_said(number):
    texts = TEXTS * 250
    person = meet(number, texts, seed=3)
    votes = [person.thumb(text) for text in texts]
    meant = [1 if person.score(text) >= person.threshold else -1 for text in texts]
    assert {-1, 1} == set(meant)
    slips = sum(v != m for v, m in zip(votes, meant, strict=True)) / len(votes)
    assert slips == pytest.approx(person.slips, abs=0.02)
    assert 0.05 <= person.slips <= 0.10


def test_the_same_person_votes_the_same_again_and_another_seed_is_another_day():
    first, again, other = ([meet(4, TEXTS * 20, seed=seed).thumb(t) for t in TEXTS * 20]
                           for seed in (0, 0, 1))  # fmt: skip
    assert first == again
    assert [meet(4, TEXTS * 20, seed=0).slips, meet(4, TEXTS * 20, seed=1).slips] != [0.07, 0.07]
    assert meet(4, TEXTS, seed=0).slips != meet(4, TEXTS, seed=1).slips
    assert len(other) == len(first)


def test_the_answer_that_is_shown_first_has_a_little_start():
    usual = usual_of(TEXTS)
    person = Person(taste={"animal": 1.0}, usual=usual, slips=0.0, leans_first=0.5)
    assert person.choose("A hat.", "A mug.", shown="ab") == "a"
    assert person.choose("A hat.", "A mug.", shown="ba") == "b"
    assert person.choose("A hat.", "A hen.", shown="ab") == "b"


def test_an_unknown_property_is_named():
    with pytest.raises(ValueError, match=r"a taste made of animal, .* got \['smell'\]"):
        Person(taste={"smell": 1.0}, usual={})
    with pytest.raises(ValueError, match="got none at all"):
        Person(taste={}, usual={})
