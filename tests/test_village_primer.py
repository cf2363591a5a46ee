"""The primer: who reads it has to look back, or to know who is a girl."""

from __future__ import annotations

import re
from collections import Counter

from tinyllm.village.grading_text import mentions, sentences, words
from tinyllm.village.grammar import Draw
from tinyllm.village.primer import PAGES, write_primer
from tinyllm.village.pronouns import HE_OR_SHE
from tinyllm.village.world import PRONOUNS, WORLD

DRAWN = [write_primer(Draw(seed)) for seed in range(2_000)]


def test_pages_come_in_their_shares() -> None:
    counted = Counter(labels["rung"] for _, labels in DRAWN)
    for page, share in zip(PAGES.options, PAGES.probabilities, strict=True):
        assert abs(counted[page] / len(DRAWN) - share) < 4 * (share / len(DRAWN)) ** 0.5


def test_every_pronoun_is_that_of_the_child_named_last() -> None:
    of_whom: Counter[tuple[str, str]] = Counter()
    for text, labels in DRAWN:
        if labels["rung"] != "he or she":
            continue
        child = None
        for sentence in sentences(text):
            named = [one for one in WORLD.children if mentions(sentence, one.name)]
            child = named[0] if named else child
            assert child is not None
            wrong = set(PRONOUNS[{"he": "she", "she": "he"}[child.he]])
            assert not wrong & set(words(sentence)), text
            of_whom[child.name, child.he] += bool(set(PRONOUNS[child.he]) & set(words(sentence)))
    assert set(of_whom) == {(child.name, child.he) for child in WORLD.children}
    assert min(of_whom.values()) > 20


def test_only_the_name_tells_which_pronoun_comes() -> None:
    for wording in HE_OR_SHE:
        before = wording.split("{name}")[0]
        assert not any(f"{{{case}}}" in before for case in ("he", "He", "him", "his"))
        said = set(words(re.sub(r"\{\w+\}", "", wording)))
        assert not {"girl", "boy", "she", "he", "him", "her", "his"} & said
