"""The true surprise of each character, and the dial that says how much is drawn."""

from __future__ import annotations

from itertools import islice
from math import isclose, log2

import pytest

from tinyllm.files import UsageError
from tinyllm.village import check_consistency, lines, write
from tinyllm.village.grammar import DIALS, Draw, Weighted
from tinyllm.village.lists import COMMON, LISTS, SIGNS
from tinyllm.village.scenes import WEATHER, new_scene
from tinyllm.village.surprise import spread
from tinyllm.village.writing import KINDS, true_surprise, write_one


def test_surprise_stands_where_outcomes_part() -> None:
    def grammar(draw: Draw) -> str:
        return draw.one(("kite", "king", "bell", "belt")) + draw.one(("!", "?"))

    text, bits = spread(grammar, 0)
    assert text[:3] in ("kit", "kin", "bel")
    parts = {"k": [1.0, 0, 1.0, 0], "b": [1.0, 0, 0, 1.0]}[text[0]]
    assert bits == [*parts, 1.0, 0.0]


def test_outcomes_are_weighed_by_their_probability() -> None:
    options = Weighted({"ab": 6.0, "ac": 1.0, "d": 1.0})
    seen = {}
    for seed in range(40):
        text, bits = spread(lambda draw: draw.weighted(options), seed)
        seen[text] = bits
    assert seen["ab"] == pytest.approx([log2(8 / 7), log2(7 / 6), 0.0])
    assert seen["ac"] == pytest.approx([log2(8 / 7), log2(7 / 1), 0.0])
    assert seen["d"] == pytest.approx([3.0, 0.0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_surprise_of_all_characters_is_the_documents_bits(kind: str) -> None:
    for document in islice(write(seed=31, kind=kind), 12):
        bits = true_surprise(document.seed, kind=kind)
        assert len(bits) == len(document.text) + 1
        assert min(bits) >= 0
        assert isclose(sum(bits), document.bits, rel_tol=1e-9, abs_tol=1e-6)


def test_a_name_surprises_once() -> None:
    """Where the hero is named again there is nothing left to learn, in most places."""
    first, again = 0.0, 0.0
    for document in islice(write(seed=32, kind="story"), 25):
        hero = document.labels["hero"]
        bits = true_surprise(document.seed, kind="story")
        places = [n for n in range(len(document.text)) if document.text.startswith(hero, n)]
        first += sum(bits[places[0] : places[0] + len(hero)]) / 25
        again += sum(bits[places[-1] : places[-1] + len(hero)]) / 25
    assert first > 4.0
    assert again < 1.0


def test_the_dial_turns_the_floor() -> None:
    floors = []
    for dial in DIALS:
        documents = list(islice(write(seed=33, kind="story", dial=dial), 400))
        characters = sum(len(document.text) for document in documents)
        floors.append(sum(document.bits for document in documents) / characters)
        assert write_one(documents[3].seed, kind="story", dial=dial) == documents[3]
        for document in documents:
            assert False not in check_consistency(document.text).values(), document.text
    low, default, high = floors
    assert low < 0.8 * default
    assert high > 1.05 * default


def test_an_unknown_dial_is_refused() -> None:
    with pytest.raises(ValueError, match="'medium'"):
        write(seed=0, dial="medium")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'medium'"):
        lines(seed=0, dial="medium")  # type: ignore[arg-type]


def test_a_list_gives_no_item_twice_before_all_were_given() -> None:
    for name in ("dish", "room", "went", "chore"):
        scene = new_scene(Draw(3))
        given = [scene.say((f"{{{name}}}",)) for _ in LISTS[name]]
        assert len(set(given)) == len(given)
        order = [LISTS[name].index(item) for item in given] if name in ("dish", "room") else []
        weights = [1.0 / (rank + COMMON) for rank in range(1, len(given) + 1)]
        bits = 0.0
        for place in order:
            bits -= log2(weights[place] / sum(weights))
            weights[place] = 0.0
        assert not order or scene.draw.bits == pytest.approx(bits)


def test_what_stands_first_in_a_list_comes_most_often() -> None:
    given = [new_scene(Draw(seed)).say(("{dish}",)) for seed in range(2_000)]
    first, last = given.count(LISTS["dish"][0]), given.count(LISTS["dish"][-1])
    ratio = (len(LISTS["dish"]) + COMMON) / (1 + COMMON)
    assert 0.5 * ratio < first / max(last, 1) < 2.5 * ratio
    assert len(set(given)) == len(LISTS["dish"])


def test_no_item_stands_in_a_list_twice() -> None:
    for name, items in LISTS.items():
        assert len(set(items)) == len(items) >= 10, name


def test_what_is_seen_fits_the_season_and_the_weather() -> None:
    season_of = {sign: season for season, signs in SIGNS.items() for sign in signs}
    for seed in range(300):
        scene = new_scene(Draw(seed))
        words = scene.say(("{weather}|{sign}|{season}",)).split("|")
        assert season_of[words[1]] == words[2]
        assert words[0] in WEATHER[words[2]]
