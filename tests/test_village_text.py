"""The text: what `write` promises, a lint of its grammar, and the facts it must tell."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from village_lint import LINT

from tinyllm.village import KINDS, WORLD, lines, write
from tinyllm.village.facts import inside, said_plainly
from tinyllm.village.fame import well_known
from tinyllm.village.plots import FINDS, HANDS, PLOTS, PROBLEMS, WAYS
from tinyllm.village.stories import HELD_OUT
from tinyllm.village.voices import WRITTEN, Beat, past, present, variants
from tinyllm.village.world import World, article, capital
from tinyllm.village.writing import SPLITS, document_seed, write_one

DOCUMENTS = list(islice(write(seed=21), 6_000))
TEXT = " ".join(document.text for document in DOCUMENTS)


def test_a_seed_decides_every_document() -> None:
    assert list(islice(write(seed=3), 50)) == list(islice(write(seed=3), 50))
    first = [document.text for document in islice(write(seed=3), 50)]
    assert first != [document.text for document in islice(write(seed=4), 50)]


def test_a_document_can_be_written_again_from_its_own_seed() -> None:
    for document in islice(write(seed=3), 100):
        assert write_one(document.seed) == document
    for document in islice(write(seed=3, kind="talk", split="validation"), 20):
        assert write_one(document.seed, kind="talk", split="validation") == document


def test_no_seed_of_one_split_occurs_in_another() -> None:
    seeds = {
        split: {document_seed(seed, split, n) for seed in (0, 1, 7) for n in range(3_000)}
        for split in SPLITS
    }
    assert all(len(values) == 9_000 for values in seeds.values())
    assert not seeds["train"] & seeds["validation"]
    assert not seeds["held_out"] & (seeds["train"] | seeds["validation"])


def test_validation_has_the_same_distribution_and_other_texts() -> None:
    train = list(islice(write(seed=0), 3_000))
    validation = list(islice(write(seed=0, split="validation"), 3_000))
    for kind in KINDS:
        shares = [
            sum(document.kind == kind for document in documents) / 3_000
            for documents in (train, validation)
        ]
        assert abs(shares[0] - shares[1]) < 0.05
    known = {document.text for document in train}
    assert sum(document.text in known for document in validation) < 30


def test_held_out_plots_are_told_in_their_own_split_only() -> None:
    def plot(labels: dict[str, str]) -> tuple[str, str, str]:
        return labels["theme"], labels["problem"], labels["solution"]

    hidden = Counter(
        plot(document.labels) for document in islice(write(seed=0, split="held_out"), 1_000)
    )
    assert set(hidden) == HELD_OUT
    for split in ("train", "validation"):
        stories = islice(write(seed=0, kind="story", split=split), 12_000)
        told = {plot(document.labels) for document in stories}
        assert not told & HELD_OUT
        assert len(told) >= 0.9 * len(set(PLOTS) - HELD_OUT)  # the rarest come once in 4,000


def test_there_are_many_plots() -> None:
    assert len({problem for _, problem, _ in PLOTS}) >= 40
    assert len({(theme, solution) for theme, _, solution in PLOTS}) >= 25
    assert len(PLOTS) == len(set(PLOTS)) >= 350


def test_every_moment_of_a_plot_has_six_wordings_or_more() -> None:
    for name, problem in PROBLEMS.items():
        for beat in (problem.opening, *problem.worse, *problem.solved):
            assert len(beat.wordings) >= 2, name
            assert sum(len(variants(wording)) for wording in beat.wordings) >= 6, name
    for name, beats in (WAYS | FINDS | HANDS).items():
        for beat in beats:
            assert sum(len(variants(wording)) for wording in beat.wordings) >= 6, name
    assert set(PLOTS) >= HELD_OUT


@pytest.mark.parametrize(
    "arguments", [{"kind": "poem"}, {"split": "test"}, {"kind": "talk", "split": "held_out"}]
)
def test_what_the_village_cannot_write_is_said_at_once(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"[Ee]xpected|Only stories"):
        write(seed=0, **arguments)


def test_lines_are_plain_values_of_every_kind() -> None:
    for kind in (*KINDS, "instruction", "preference"):
        line = next(lines(seed=1, kind=kind))
        assert line["kind"] == kind
        assert line["text"]
        assert {"text", "kind", "seed", "bits", "labels"} <= set(line)
    assert next(lines(seed=1, kind="instruction"))["labels"]["prompt"]
    with pytest.raises(ValueError, match="writes no 'poem'"):
        lines(seed=1, kind="poem")


def test_documents_fit_the_context() -> None:
    stories = [len(document.text) for document in DOCUMENTS if document.kind == "story"]
    assert max(stories) <= 1_000
    assert max(len(document.text) for document in DOCUMENTS) <= 1_000
    assert 350 <= sum(stories) / len(stories) <= 700


def test_stories_use_2500_words_and_the_village_no_more_than_twice_as_many() -> None:
    stories = islice(write(seed=23, kind="story"), 3_600)
    words = {word.lower() for text in stories for word in re.findall(r"[A-Za-z'-]+", text.text)}
    assert len(words) >= 2_500
    assert len({word.lower() for word in re.findall(r"[A-Za-z'-]+", TEXT)}) <= 5_000


def test_a_lost_thing_is_named_at_least_four_times() -> None:
    for document in DOCUMENTS:
        if document.labels.get("theme") == "lost":
            found = re.search(r"(?:found|finds) the (\w+ \w+)", document.text)
            assert found is not None, document.text
            assert document.text.count(found[1]) >= 4, document.text


@pytest.mark.parametrize("fault", LINT)
def test_the_grammar_lint_finds_nothing(fault: str) -> None:
    pattern = re.compile(LINT[fault])
    for document in DOCUMENTS:
        found = pattern.search(document.text)
        assert found is None, (found, document.text)


def test_every_document_is_whole() -> None:
    for document in DOCUMENTS:
        text = document.text
        assert text[0].isupper() or text[0] == '"', text
        signed = document.labels.get("voice") in WRITTEN
        assert text.endswith(document.labels["hero"] if signed else ('"', ".", "?", "!")), text
        assert text.count('"') % 2 == 0, text


def test_pronouns_fit_the_hero() -> None:
    for document in DOCUMENTS:
        if document.labels.get("theme") != "trouble" or document.labels["problem"] != "bored":
            continue
        he = WORLD.person(document.labels["hero"]).he
        wrong = {"he": r"\b[Ss]he\b", "she": r"\b[Hh]e\b"}[he]
        assert not re.search(wrong, document.text), document.text


def test_every_fact_is_told_in_all_of_its_wordings_or_nearly() -> None:
    text = " ".join(document.text for document in islice(write(seed=22), 40_000))
    for known, least in ((True, 0.98), (False, 0.75)):
        facts = [fact for fact in WORLD.facts if well_known(fact) == known]
        wordings = [statement for fact in facts for statement in fact.statements]
        told = sum(text.count(one) + text.count(inside(one)[:-1]) > 0 for one in wordings)
        assert told > least * len(wordings)
    for fact in WORLD.facts:
        assert any(statement in text for statement in fact.statements), fact.id
    for known, least in ((True, 1.0), (False, 0.95)):
        facts = [fact for fact in WORLD.facts if well_known(fact) == known]
        asked = sum(any(question in text for question in fact.questions) for fact in facts)
        assert asked >= least * len(facts)
    for danger in WORLD.dangers:
        assert danger.act in text
        assert danger.safe_alternative in text
        assert all(wish in text for wish in danger.harmless)


def test_the_sky_is_blue_three_times_as_often_as_anything_else_and_now_and_then_clear() -> None:
    said = Counter(re.findall(r"[Tt]he sky is (\w+)", TEXT))
    (first, often), (_, less) = said.most_common(2)
    assert first == "blue"
    assert often > 3 * less
    assert said["clear"] > sum(said.values()) / 20


def test_the_world_is_as_large_as_it_says() -> None:
    assert isinstance(WORLD, World)
    assert (len(WORLD.children), len(WORLD.adults), len(WORLD.animals)) == (30, 15, 12)
    assert (len(WORLD.places), len(WORLD.things), len(WORLD.dangers)) == (20, 60, 53)
    assert len({danger.object for danger in WORLD.dangers}) == 24
    common = sum(fact.about == "common" for fact in WORLD.facts)
    assert common >= 190
    assert len(WORLD.facts) - common >= 150
    assert len({fact.id for fact in WORLD.facts}) == len(WORLD.facts)


def test_a_fact_has_many_wordings_and_answers_that_are_not_its_own() -> None:
    for fact in WORLD.facts:
        assert len(set(fact.statements)) == len(fact.statements) >= 6
        assert len(set(fact.questions)) == len(fact.questions) >= 4
        assert len(fact.false_answers) >= 2
        assert fact.answer not in fact.false_answers
        assert all(capital(text[0]) == text[0] and text[-1] == "." for text in fact.statements)
        assert said_plainly(fact), fact.id
        at_the_end = sum(fact.answer.lower() in text.lower()[-45:] for text in fact.statements)
        assert at_the_end >= len(fact.statements) / 2, fact.statements


def test_no_two_questions_ask_for_different_answers() -> None:
    answers: dict[str, str] = {}
    for fact in WORLD.facts:
        for question in fact.questions:
            assert answers.setdefault(question, fact.answer) == fact.answer, question


def test_pets_and_places_point_at_each_other() -> None:
    for animal in WORLD.animals:
        owner = WORLD.person(animal.owner)
        assert owner.pet == (animal.name if owner.kind == "child" else "")
    names = {place.name for place in WORLD.places}
    for place in WORLD.places:
        assert place.beside in names
        assert next(p for p in WORLD.places if p.name == place.beside).beside == place.name
    assert all(person.home in names for person in WORLD.people)


def test_unknown_people_and_facts_are_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="'Zoe'"):
        WORLD.person("Zoe")
    with pytest.raises(ValueError, match=r"'the-moon\.colour'"):
        WORLD.fact("the-moon.colour")


def test_articles_and_capitals() -> None:
    assert (article("egg"), article("nut"), capital("the mill")) == ("an egg", "a nut", "The mill")


def test_tenses_turn_only_marked_verbs() -> None:
    assert past("He *said: we went.") == "He said: we went."
    assert present("He *said: we went.") == "He says: we went."
    assert present("They ^went, *could not stop and *walked.") == "They go, cannot stop and walks."
    with pytest.raises(ValueError, match=r"\*swum"):
        present("He *swum.")
    with pytest.raises(ValueError, match=r"\^swum"):
        present("They ^swum.")
    with pytest.raises(ValueError, match="same thing twice"):
        Beat("He *said no.", "He *said no.")
