"""The papers of the village: what they say is true, adds up, rhymes and is all printed."""

from __future__ import annotations

import re
from functools import cache

import pytest
from village_lint import LINT

from tinyllm.village.authored import read
from tinyllm.village.consistency import check_consistency
from tinyllm.village.grammar import Draw
from tinyllm.village.lists import LISTS, SIGNS
from tinyllm.village.papers import DISHES, FORMS, PAPERS, RHYMING, SHARED, Paper
from tinyllm.village.scenes import WEATHER
from tinyllm.village.voices import variants
from tinyllm.village.world import NUMBERS, WORLD, capital

NUMBER = 2_000
FAULTS = LINT | {"a thing that is lost or found": r"\b(?:lost|found|loses|finds)\b"}
"""The words that the checks of consistency read stand in stories only."""


@cache
def papers(kind: str) -> tuple[Paper, ...]:
    return tuple(PAPERS[kind](Draw(seed)) for seed in range(NUMBER))


def words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text)


def value(word: str) -> int:
    return NUMBERS.index(word.lower())


@pytest.mark.parametrize("kind", PAPERS)
def test_the_grammar_lint_finds_nothing(kind: str) -> None:
    for text, _ in papers(kind):
        for fault, pattern in FAULTS.items():
            assert not re.search(pattern, text), (fault, text)
        assert text[0].isupper() or text[0] == '"', text
        assert text.endswith((".", "?", '."')), text
        assert text.count('"') % 2 == 0, text


@pytest.mark.parametrize("kind", PAPERS)
def test_a_paper_is_short_and_no_paper_is_another(kind: str) -> None:
    lengths = [len(text) for text, _ in papers(kind)]
    assert min(lengths) >= 190
    assert max(lengths) <= 560
    assert len({text for text, _ in papers(kind)}) == NUMBER


@pytest.mark.parametrize("kind", PAPERS)
def test_no_paper_is_taken_for_a_story(kind: str) -> None:
    for text, _ in papers(kind)[:200]:
        verdicts = check_consistency(text)
        assert verdicts.pop("weather") in (True, None), text
        assert set(verdicts.values()) == {None}, text


def test_every_sentence_has_several_wordings_and_every_moment_several_sentences() -> None:
    for kind in PAPERS:
        for moments in (SHARED[kind], *FORMS[kind].values()):
            for name, beat in moments.items():
                assert 5 <= len(beat.wordings) <= 8, (kind, name)
                for wording in beat.wordings:
                    assert len(variants(wording)) > 1 or wording.count("{lively}"), wording


def test_a_fable_has_a_foolish_animal_and_a_moral() -> None:
    assert {labels["form"] for _, labels in papers("fable")} == set(FORMS["fable"])
    for text, labels in papers("fable"):
        species = next(one.species for one in WORLD.animals if one.name == labels["animal"])
        assert f"{labels['animal']} the {species}" in text


def test_the_newspaper_puts_itself_right_with_the_truth() -> None:
    corrected = 0
    for text, labels in papers("newspaper"):
        assert text.startswith(f"The Village Paper, {labels['day']}, ")
        wrong = re.search(r"we wrote that (\w+) likes ([\w' -]+) best\. It is ([\w ]+)[.,]", text)
        if wrong:
            corrected += 1
            assert wrong[3] == WORLD.person(wrong[1]).likes != wrong[2]
        for name, keeper in re.findall(r"(\w+) the \w+, who belongs to ([\w ]+),", text):
            assert next(one.owner for one in WORLD.animals if one.name == name) == keeper
    assert corrected > 100


def test_a_recipe_uses_what_it_takes() -> None:
    for text, labels in papers("recipe"):
        form, main = DISHES[labels["dish"]]
        assert (form, main) == (labels["form"], labels["main"])
        assert labels["dish"] in text[:120].lower()
        taken = re.search(r"(?:Take |You need|From |Put on the table:|Look for).*?\.", text)
        assert taken is not None
        steps = text[taken.end() :]
        for part in ("main", "piece", "drink", "pinch"):
            assert labels[part] in taken[0], (part, text)
            assert f"the {labels[part]}" in steps, (part, text)
        assert steps.count(labels["vessel"]) >= 2, text


def test_every_dish_of_a_recipe_is_a_dish_of_the_village() -> None:
    assert set(DISHES) <= set(LISTS["dish"])
    assert len(DISHES) > 40


def _true_clues(labels: dict[str, str]) -> list[tuple[str, ...]]:
    """For every clue that may stand in the riddle, the words one of which it must contain."""
    answer = labels["answer"]
    if labels["form"] == "thing":
        thing = next(one for one in WORLD.things if one.name == answer.split(" ", 1)[1])
        return [(thing.material, capital(thing.material)), (thing.use,), thing.adjectives]
    if labels["form"] == "animal":
        animal = next(one for one in WORLD.animals if answer == f"{one.name} the {one.species}")
        bed = next(place.at for place in WORLD.places if place.name == animal.bed)
        return [
            (animal.sound, capital(animal.sound)),
            (animal.eats,),
            (bed, capital(bed)),
            (animal.habit,),
        ]
    place = next(one for one in WORLD.places if one.name == answer)
    near = tuple(child.name for child in WORLD.children if child.home == place.name)
    return [(place.beside, capital(place.beside)), (place.offers,), near]


def test_the_clues_of_a_riddle_are_true_of_its_answer() -> None:
    for text, labels in papers("riddle"):
        true = [any(word in text for word in clue) for clue in _true_clues(labels)]
        assert sum(true) >= 3, text
        assert labels["answer"] in text[-60:], text
        assert labels["answer"] not in text[:-60], text
        if labels["form"] == "thing":
            thing = next(one for one in WORLD.things if labels["answer"].split()[1] == one.name)
            told = re.findall(r"(?:made me took|I am made of) ([a-z ]+?)(?:,|\.| and|$)", text)
            assert all(told_of == thing.material for told_of in told if told_of), text
            looks = re.findall(
                r"(?:can be|of us are|some are|see me|likes me|My [\w-]+(?: \w+)? is) (\w+)", text
            )
            assert set(looks) <= set(thing.adjectives), text


def _rhyme(one: str, two: str) -> bool:
    families = [*RHYMING.values(), *map(tuple, read("papers")["rhyming_ends"].values())]
    return one != two and any(one in family and two in family for family in families)


def test_two_and_two_lines_of_a_rhyme_rhyme() -> None:
    for text, _ in papers("rhyme"):
        _, *lines = re.split(r"(?<=\.) ", text)
        assert len(lines) == 4, text
        first, second, third, fourth = (words(line)[-1] for line in lines)
        assert _rhyme(first, second), text
        assert _rhyme(third, fourth), text


def test_no_noun_is_in_two_families_of_rhymes() -> None:
    nouns = [noun for family in RHYMING.values() for noun in family]
    assert len(set(nouns)) == len(nouns)


def _syllables(line: str) -> int:
    """A rough count: groups of vowels, without a silent e."""
    total = 0
    for word in words(line.lower()):
        stem = re.sub(r"(?<=[^aeiouyl])e(?:s|d)?$", "", word) if len(word) > 3 else word
        total += max(1, len(re.findall(r"[aeiouy]+", stem)))
    return total


def test_most_lines_of_a_rhyme_have_eight_syllables_or_nearly() -> None:
    counts = [
        _syllables(line) for text, _ in papers("rhyme") for line in re.split(r"(?<=\.) ", text)[1:]
    ]
    assert sum(7 <= count <= 9 for count in counts) > 0.9 * len(counts)


def test_the_weather_report_fits_its_season() -> None:
    for text, labels in papers("weather-report"):
        assert {labels["weather"], labels["tomorrow"]} <= set(WEATHER[labels["season"]])
        assert labels["weather"] != labels["tomorrow"]
        assert labels["tomorrow"] in text
        seasons = {season for season in SIGNS if re.search(rf"\b{season}\b", text.lower())}
        seen = {season for season, signs in SIGNS.items() if any(sign in text for sign in signs)}
        assert seasons | seen == {labels["season"]}, text


def test_an_essay_tells_the_truth_about_its_child() -> None:
    for text, labels in papers("essay"):
        child = WORLD.person(labels["hero"])
        title = labels["title"]
        assert f"by {child.name}" in text.lower() or f"y {child.name}" in text
        assert "Miss Gray" in text
        if labels["form"] in ("food", "fear", "dream", "home"):
            fact = {"food": child.likes, "fear": child.afraid_of}
            assert title == {**fact, "dream": child.dream, "home": child.home}[labels["form"]]
        else:
            animal = next(one for one in WORLD.animals if title == f"{one.name} the {one.species}")
            assert (animal.owner == child.name) == (labels["form"] == "pet")
            told = (animal.eats, animal.sound, animal.habit, animal.bed)
            assert any(fact in text for fact in told), text
        for name, fear in re.findall(r"(\w+) is afraid of ([\w ]+), so we", text):
            assert WORLD.person(name).afraid_of == fear
        for name, dream in re.findall(r"(\w+) wants to be ([\w ]+), so we", text):
            assert WORLD.person(name).dream == dream
        for name, food in re.findall(r"(\w+) likes ([\w ]+) better, ", text):
            assert WORLD.person(name).likes == food
        for habit in re.findall(rf"{child.name} ([\w ]+)\. (?:It shows|Also|I noticed)", text):
            assert habit == child.habit


def test_the_votes_of_the_council_add_up() -> None:
    for text, labels in papers("minutes"):
        present, yes, no = (value(labels[key]) for key in ("present", "for", "against"))
        assert present == yes + no
        others = re.search(r"and (\w+) others", text)
        assert others is not None
        assert value(others[1]) + 2 == present
        result = {True: "passed", False: "failed"}[yes > no] if yes != no else "tied"
        assert labels["result"] == result
        assert re.search(
            {"passed": "[Pp]assed", "failed": "[Ff]ailed", "tied": "tie|waits"}[result], text
        )
        vote = re.search(
            r"(\w+) (?:for it,|were for it and|hands went up for it, then|voted for it and) (\w+)|"
            r"(?:In favour|For it): (\w+)\. Against: (\w+)\.",
            text,
        )
        assert vote is not None, text
        assert [value(word) for word in vote.groups() if word] == [yes, no]


def test_who_promised_is_named_again_with_the_day() -> None:
    for text, labels in papers("minutes"):
        assert text.count(labels["who"]) >= 3, text
        assert text.count(labels["day"]) >= 2, text
        assert text.count(labels["chore"]) == 1, text
        assert labels["day"] in text[-130:], text
        assert labels["who"] in text[-130:], text
