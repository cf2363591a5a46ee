"""The checks: the generator always passes them, a corrupted text never does."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.village import CHECKS, WORLD, check_consistency, checks_for, read_villagers, write
from tinyllm.village.plots import PROBLEMS
from tinyllm.village.voices import CHOICE
from tinyllm.village.writing import Document

NAMES = [child.name for child in WORLD.children]
THINGS = {thing.name for thing in WORLD.things}


def belongs(document: Document) -> set[str]:
    """Which checks a document must be read by, from what is known about how it was drawn. Only
    whether it speaks of the weather twice, its labels do not say."""
    labels = document.labels
    checks = set()
    if document.kind == "story":
        checks.add("hero")
    if "lost" in (labels.get("theme"), labels.get("rung")):
        checks.add("lost_found")
    if labels.get("theme") == "favour":
        checks.add("favour")
    if labels.get("theme") in ("gift", "favour") or labels.get("talk") == "begging":
        checks.add("who_has")
    if labels.get("rung") in ("one gift", "two gifts", "there and back", "swap"):
        checks.add("who_has")
    if labels.get("rung") in ("two things", "two things backwards", "exchange"):
        checks.add("who_has")
    return checks


@pytest.mark.parametrize(("split", "number"), [("train", 3_000), ("held_out", 800)])
def test_every_document_of_the_village_passes_its_checks(split: str, number: int) -> None:
    for document in islice(write(seed=11, split=split), number):
        verdicts = check_consistency(document.text)
        assert list(verdicts) == list(CHECKS)
        assert verdicts.pop("weather") is not False, document.text
        expected = {name: (True if name in belongs(document) else None) for name in verdicts}
        assert verdicts == expected, document.text
        assert set(checks_for(document.text)) - {"weather"} == belongs(document)


def test_every_check_has_its_share_of_the_text() -> None:
    documents = list(islice(write(seed=12), 3_000))
    stories = [document for document in documents if document.kind == "story"]
    counts = Counter(name for document in documents for name in belongs(document))
    assert counts["who_has"] >= 0.15 * len(documents)
    lost = sum(document.labels["theme"] == "lost" for document in stories)
    assert lost >= 0.25 * len(stories)
    assert counts["favour"] >= 0.1 * len(stories)
    spoken = sum("weather" in checks_for(document.text) for document in stories)
    assert spoken >= 0.15 * len(stories)


def test_a_village_with_newcomers_is_read_with_them() -> None:
    villagers = read_villagers(["Mina keeps bees.", "Bert is a boy. He likes plums."])
    of_her = of_nobody = 0
    for document in islice(write(seed=17, villagers=villagers), 9_000):
        if document.kind != "villager" or document.labels["form"] != "story":
            continue
        verdicts = check_consistency(document.text, villagers)
        assert verdicts.pop("weather") is not False
        expected = belongs(document) | {"hero"}
        assert {name for name, verdict in verdicts.items() if verdict} == expected, document.text
        assert False not in verdicts.values(), document.text
        of_her += "who_has" in expected
        of_nobody += check_consistency(document.text)["hero"] is not True
    assert of_her > 20
    assert of_nobody > 20  # a village that does not know her cannot follow her


def test_another_hero_at_the_end_fails() -> None:
    for document in islice(write(seed=13, kind="story"), 600):
        hero = document.labels["hero"]
        other = next(name for name in NAMES if name not in document.text)
        head, end = _halves(document.text)
        assert check_consistency(head + end.replace(hero, other))["hero"] is False, document.text


def test_a_diary_that_another_child_signs_fails() -> None:
    text = "Diary of Nell, Monday. I was bored. Even the flies were bored. Good night. {}"
    assert check_consistency(text.format("Nell"))["hero"] is True
    assert check_consistency(text.format("Tom"))["hero"] is False
    assert check_consistency(text.format(""))["hero"] is False


def test_another_thing_found_fails() -> None:
    chance = random.Random(0)
    for document in islice(write(seed=14, kind="story"), 900):
        if document.labels["theme"] != "lost":
            continue
        lost = _lost_thing(document.text)
        adjective, noun = lost.split()
        thing = chance.choice(sorted(THINGS - {noun}))
        for wrong in (f"{adjective} {thing}", f"{'blue' if adjective != 'blue' else 'red'} {noun}"):
            for found in ("found the ", "finds the "):
                changed = document.text.replace(found + lost, found + wrong)
                if changed != document.text:
                    assert check_consistency(changed)["lost_found"] is False, changed


def test_nothing_found_fails() -> None:
    text = "One mild morning Nell lost a red kite. Had anybody seen the red kite? Nell was happy."
    assert check_consistency(text)["lost_found"] is False


def test_another_holder_fails() -> None:
    names = "|".join(NAMES)
    claim = re.compile(rf"(?:In the end|At last) ({names}) (?:had|has) the ")
    seen = 0
    for document in islice(write(seed=15), 2_500):
        if "who_has" not in belongs(document) or not (found := claim.search(document.text)):
            continue
        other = next(name for name in NAMES if name not in document.text)
        changed = document.text[: found.start(1)] + other + document.text[found.end(1) :]
        assert check_consistency(changed)["who_has"] is False, changed
        seen += 1
    assert seen > 50


def test_two_gifts_are_told_apart() -> None:
    text = (
        "Nell had a red kite, and Tom had an old drum. Nell gave the red kite to Ada. "
        "Tom gave Ben the old drum. Now {} had the red kite. Now {} had the old drum."
    )
    assert check_consistency(text.format("Ada", "Ben"))["who_has"] is True
    for wrong in (("Ben", "Ada"), ("Ada", "Tom"), ("Nell", "Ben"), ("Ada", "Nell")):
        assert check_consistency(text.format(*wrong))["who_has"] is False


def test_a_thing_that_nobody_gave_cannot_be_had_in_the_end() -> None:
    text = "Nell had a red kite. Nell gave the red kite to Tom. Now Tom had the {}."
    assert check_consistency(text.format("red kite"))["who_has"] is True
    assert check_consistency(text.format("green kite"))["who_has"] is False
    assert check_consistency("Nell had a red kite. Nell ate plums.")["who_has"] is False


def test_the_writer_of_a_letter_is_i_and_me() -> None:
    text = (
        "Dear Tom, this is Nell. I had a red kite, and Ada had a birthday. I gave the red kite to "
        "Ada. Then Ada gave the red kite back to me. From then on the red kite belonged to {}. "
        "I slept well that night and dreamed of plums. Yours, Nell"
    )
    assert set(checks_for(text.format("me"))) == {"hero", "who_has"}
    assert check_consistency(text.format("me"))["who_has"] is True
    assert check_consistency(text.format("Ada"))["who_has"] is False


def test_every_opening_names_the_hero() -> None:
    for name, problem in PROBLEMS.items():
        for wording in problem.opening.wordings:
            assert re.search(r"\{(hero|Hero|whom)\}", CHOICE.sub("", wording)), (name, wording)


@given(st.text(max_size=200) | st.sampled_from(["", " ", "Nell", "Diary of", '"', "Nell lost a"]))
@settings(max_examples=200, deadline=None)
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    assert all(verdict in (True, False, None) for verdict in check_consistency(text).values())


def test_cut_and_shuffled_documents_are_read_without_an_error() -> None:
    chance = random.Random(3)
    for document in islice(write(seed=16), 400):
        words = document.text.split()
        check_consistency(" ".join(words[: chance.randrange(len(words) + 1)]))
        chance.shuffle(words)
        check_consistency(" ".join(words))


def _halves(text: str) -> tuple[str, str]:
    middle = text.find(" ", len(text) // 2)
    return text[:middle], text[middle:]


def _lost_thing(text: str) -> str:
    words = text.replace(".", " ").replace(",", " ").replace('"', " ").split()
    return next(f"{a} {b}" for a, b in pairwise(words) if b in THINGS)
