"""The floor: bits are counted exactly, and nothing is drawn that is not printed."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice
from math import isclose, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.village import writing
from tinyllm.village.facts import add
from tinyllm.village.grammar import Draw, Replay, Scene, Weighted, derivations
from tinyllm.village.scenes import WEATHER, new_scene
from tinyllm.village.stories import TOLD
from tinyllm.village.writing import MIXTURE, WRITERS, Writer, write, write_one


def mini_grammar(draw: Draw) -> str:
    """Every way of drawing there is, in a language small enough to be listed."""

    def colour(scene: Scene) -> None:
        scene["colour"] = scene.draw.weighted(Weighted({"red": 5, "blue": 2, "green": 1}))

    scene = Scene(draw, {"colour": colour})
    text = scene.say(("Nobody came.", "A {colour} kite came, as {colour} as can be.", "{Colour}!"))
    if draw.happens(0.3):
        first, second = draw.several(("Nell", "Tom", "Ada"), 2)
        text += f" {first} told {second}."
    return text + draw.one((" The end.",))


def test_the_probabilities_of_all_derivations_add_up_to_one() -> None:
    assert isclose(sum(2**-bits for _, bits in derivations(mini_grammar)), 1.0)
    assert isclose(sum(2**-bits for _, bits in derivations(add)), 1.0)


def test_the_bits_of_a_derivation_are_minus_log2_of_its_probability() -> None:
    table = dict(derivations(mini_grammar))
    assert isclose(table["Nobody came. The end."], -log2(1 / 3 * 0.7))
    assert isclose(table["Blue! Tom told Nell. The end."], -log2(1 / 3 * 2 / 8 * 0.3 / 6))
    for seed in range(300):
        draw = Draw(seed)
        assert isclose(table[mini_grammar(draw)], draw.bits)


def test_without_twins_the_entropy_of_the_text_is_the_mean_of_the_bits() -> None:
    for grammar in (mini_grammar, add):
        rows = list(derivations(grammar))
        probability: Counter[str] = Counter()
        for text, bits in rows:
            probability[text] += 2**-bits
        entropy = -sum(p * log2(p) for p in probability.values())
        assert isclose(entropy, sum(2**-bits * bits for _, bits in rows))
        sampled = [(draw := Draw(seed), grammar(draw))[0].bits for seed in range(4_000)]
        assert abs(sum(sampled) / 4_000 - entropy) < 0.1


def test_samples_follow_the_probabilities() -> None:
    table = dict(derivations(mini_grammar))
    counts = Counter(mini_grammar(Draw(seed)) for seed in range(20_000))
    for text, bits in table.items():
        expected = 20_000 * 2**-bits
        assert abs(counts[text] - expected) < 5 * expected**0.5 + 5, text


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=8), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_any_weights_make_a_distribution(weights: list[float], number: int) -> None:
    options = Weighted(dict(enumerate(weights)))

    def grammar(draw: Draw) -> tuple[object, ...]:
        return draw.weighted(options), draw.one(range(number)), draw.happens(0.9)

    rows = list(derivations(grammar))
    assert len(rows) == len(weights) * number * 2
    assert isclose(sum(2**-bits for _, bits in rows), 1.0, rel_tol=1e-9)


def test_a_word_that_no_sentence_asks_for_costs_nothing() -> None:
    scene = new_scene(Draw(0))
    scene.say(("It was quiet.",))
    assert scene.draw.bits == 0.0
    assert scene.say(("{thing} {thing}",)).count(" ") == 3
    paid = scene.draw.bits
    scene.say(("The {thing} again.",))
    assert scene.draw.bits == paid > 0


def test_a_word_without_a_rule_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match="unicorn"):
        new_scene(Draw(0)).say(("{unicorn}",))
    with pytest.raises(KeyError, match="unicorn"):
        new_scene(Draw(0)).say(("{Unicorn}",))


def test_weights_must_be_positive() -> None:
    for weights in ({}, {"a": 0.0}, {"a": 1.0, "b": -1.0}):
        with pytest.raises(ValueError, match="above 0"):
            Weighted(weights)


def test_weather_and_season_agree_in_either_order() -> None:
    for template in ("{weather} in {season}", "In {season}: {weather}"):
        rows = list(derivations(lambda draw, t=template: _weather(draw, t)))
        assert {(season, weather) for season, weather in (row for row, _ in rows)} == {
            (season, weather) for season, words in WEATHER.items() for weather in words
        }


def _weather(draw: Draw, template: str) -> tuple[str, str]:
    scene = new_scene(draw)
    scene.say((template,))
    return scene["season"], scene["weather"]


SEEDS = 250


class Dice(Replay):
    """Follows a path; beyond its end it rolls and notes what it rolled."""

    def __init__(self, path: list[tuple[int, int]], seed: int) -> None:
        super().__init__(path)
        self.random = random.Random(seed)

    def _follow(self, options: int) -> int:
        if self.at == len(self.path):
            self.path.append((self.random.randrange(options), options))
        return super()._follow(options)


@pytest.mark.parametrize("kind", WRITERS)
def test_every_draw_is_printed(kind: str) -> None:
    """Take any one choice differently, and the text is another one."""
    writer: Writer = WRITERS[kind]
    for seed in range(SEEDS):
        path: list[tuple[int, int]] = []
        text, _ = writer(Dice(path, seed))
        for position, (choice, options) in enumerate(path):
            changed = [*path[:position], ((choice + 1) % options, options), *path[position + 1 :]]
            try:
                other, _ = writer(Dice(changed, seed))
            except (IndexError, ValueError):
                continue  # the later choices do not fit this one: it did change the text
            assert other != text, (kind, seed, position, text)


def test_the_choice_of_kind_is_paid_for_in_the_mixture_only() -> None:
    for document in islice(write(seed=5), 200):
        alone = write_one(document.seed, kind=document.kind)
        assert alone.bits > 0
        draw = Draw(document.seed)
        assert draw.weighted(MIXTURE) == document.kind
        assert document.bits > draw.bits
    plain = Draw(9)
    WRITERS["story"](plain)
    assert write_one(9, kind="story").bits == plain.bits


def test_the_shares_add_up_to_one() -> None:
    assert isclose(sum(MIXTURE.probabilities), 1.0)
    assert isclose(sum(TOLD.probabilities), 1.0)
    assert set(MIXTURE.options) <= set(WRITERS)
    assert "primer" not in MIXTURE.options


def test_the_floor_is_where_a_small_model_can_see_it() -> None:
    documents = list(islice(write(seed=2), 4_000))
    characters = sum(len(document.text) for document in documents)
    assert 0.14 < sum(document.bits for document in documents) / characters < 0.25
    assert set(writing.KINDS) == set(WRITERS)
