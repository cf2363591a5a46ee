"""Moving in: what the grammar of traits reads, what it refuses, and where a villager turns up."""

from __future__ import annotations

from itertools import islice

import pytest

from tinyllm.corpus import read_village
from tinyllm.files import UsageError
from tinyllm.line import Settings
from tinyllm.village import WORLD, read_villagers, write
from tinyllm.village.villagers import examples, read_villager, share_of
from tinyllm.village.writing import write_one

MINA = "Mina keeps bees and is afraid of geese."


@pytest.mark.parametrize(
    ("sentence", "he", "answers"),
    [
        (MINA, "she", {"keeps": "bees", "fear": "geese"}),
        ("Mina keeps bees, likes plums and is afraid of geese.", "she", {"food": "plums"}),
        ("Bert is a boy. He wants to be a baker.", "he", {"dream": "a baker"}),
        ("Robin is a girl and lives beside the mill", "she", {"home": "the mill"}),
        (
            "Oskar likes cold pea soup, and he is afraid of very big dogs.",
            "he",
            {"food": "cold pea soup"},
        ),
    ],
)
def test_a_sentence_makes_a_person(sentence: str, he: str, answers: dict[str, str]) -> None:
    villager = read_villager(sentence)
    assert villager.person.he == he
    assert answers.items() <= {fact.relation: fact.answer for fact in villager.facts}.items()
    for fact in villager.facts:
        assert len(set(fact.statements)) >= 6
        assert len(set(fact.questions)) >= 4
        assert fact.answer not in fact.false_answers
        assert len(fact.false_answers) >= 2
    assert any(f"Who is {villager.name}?" in fact.questions for fact in villager.facts)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Mina", "Say something|says nothing"),
        ("", "begins with a name"),
        ("mina keeps bees.", "begins with a name"),
        ("Mina flies to the moon.", '"flies to the moon" says nothing'),
        ("Mina keeps bees and eats them.", '"eats them" says nothing'),
        ("Mina keeps bees and keeps goats.", "two things about one"),
        ("Mina lives beside the volcano.", "cannot live beside the volcano"),
        ("Nell keeps bees.", "There is a Nell"),
        ("Biscuit keeps bees.", "There is a Biscuit"),
        ("Mina is a girl.", "Say something more"),
        ("Mina keeps <|endoftext|>.", "says nothing"),
        ("M1na keeps bees.", "begins with a name"),
        ("Minaminaminamina keeps bees.", "at most 12 letters"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(sentence: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_villager(sentence)


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="Two villagers are called Mina"):
        read_villagers([MINA, "Mina likes plums."])


def test_a_villager_turns_up_in_stories_facts_and_questions() -> None:
    villagers = read_villagers([MINA])
    documents = list(islice(write(seed=1, villagers=villagers), 6_000))
    about = [document for document in documents if document.kind == "villager"]
    assert abs(len(about) / len(documents) - share_of(villagers)) < 0.01
    assert {document.labels["form"] for document in about} == {"story", "entry", "page"}
    text = " ".join(document.text for document in about)
    for fact in villagers[0].facts:
        assert all(question in text for question in fact.questions)
        assert all(statement in text for statement in fact.statements)
    for document in about:
        assert "Mina" in document.text or document.labels["form"] == "page"
    alone = write_one(about[0].seed, villagers=villagers)
    assert alone == about[0]
    assert alone.bits > 0


def test_without_her_nobody_says_her_name() -> None:
    assert not any("Mina" in document.text for document in islice(write(seed=1), 3_000))
    assert "Mina" not in {person.name for person in WORLD.people}


def test_she_goes_through_the_corpus_and_into_the_questions_of_fine_tuning() -> None:
    documents = list(read_village(seed=0, characters=200_000, villagers=[MINA]))
    assert sum("Mina" in document.text for document in documents) > 5
    pairs = examples(read_villagers([MINA]))
    assert "Mina keeps bees." in {answer for _, answer in pairs}
    asked_bare = {answer for question, answer in pairs if question == "Who is Mina?"}
    assert asked_bare == {answer for _, answer in pairs}
    assert len(asked_bare) > 1


def test_a_run_keeps_its_villagers_and_refuses_what_it_cannot_read() -> None:
    assert Settings(villagers=(MINA,)).villagers == (MINA,)
    with pytest.raises(UsageError, match="says nothing"):
        Settings(villagers=("Mina flies.",))
    with pytest.raises(UsageError, match="has none"):
        Settings(villagers=(MINA,), sources=("this_computer",))
