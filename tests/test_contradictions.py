"""Thumbs against each other: found where a voter would see them, and nowhere else."""

import pytest

from tinyllm import cli
from tinyllm.alignment.contradictions import contradictions, told
from tinyllm.alignment.records import Origin
from tinyllm.alignment.store import FeedbackStore

STORY = (
    "Once there was a fox named Tom who had a red kite. One day the wind took it over the hill. "
    "Ida ran after it and brought it back."
)


@pytest.fixture
def store(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    yield store
    store.close()


def found(store, *hashes):
    return [each.ids for each in contradictions(store.list(), *hashes)]


def test_a_near_twin_with_the_opposite_thumb_is_a_contradiction(store):
    liked = store.add_thumb("Tell me a story.", STORY, 1)
    store.add_thumb("Tell me a story.", "Nell slept all day.", -1)
    disliked = store.add_thumb("tell me a story", STORY.replace("red", "green"), -1)
    (one,) = contradictions(store.list())
    assert one.ids == (liked.id, disliked.id)
    assert f"You liked #{liked.id} and disliked its near-twin #{disliked.id}" in one.sentence
    assert "a red kite" in one.sentence
    assert "a green kite" in one.sentence


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ("Tell me a tale.", STORY),  # another question: there the same answer may be wrong
        ("What is 2+2?", STORY),
        ("Tell me a story.", STORY + " And then they all went home and had some soup together."),
        ("Tell me a story.", "No."),
    ],
)
def test_what_is_less_alike_is_none(store, prompt, completion):
    store.add_thumb("Tell me a story.", STORY, 1)
    store.add_thumb("What is 2-2?", STORY, 1)
    store.add_thumb(prompt, completion, -1)
    assert found(store) == []


def test_like_thumbs_pairs_and_edits_contradict_nothing(store):
    store.add_thumb("Hello", "Hi.", 1, turn="one")
    store.add_thumb("Hello", "Hi.", 1, turn="two")
    store.add_pair("Hello", "Hm.", "Hi.", "a")
    store.add_edit("Hello", "Hi.", "Hello!")
    assert found(store) == []


def test_a_mind_that_was_changed_or_a_vote_taken_back_contradicts_nothing(store):
    store.add_thumb("Hello", "Hi.", -1, turn="one")
    up = store.add_thumb("Hello", "Hi.", 1, turn="one")
    assert found(store) == []
    down = store.add_thumb("Hello", "Hi.", -1, turn="two")
    assert found(store) == [(up.id, down.id)]
    store.retract(down.id)
    assert found(store) == []


def test_another_sitting_that_overrules_a_vote_is_told_and_so_is_a_file(store, tmp_path):
    up = store.add_thumb("Hello", "Hi.", 1)
    down = store.add_thumb("Hello", "Hi.", -1, session="the next desk")
    (one,) = contradictions(store.list())
    assert one.ids == (up.id, down.id)
    assert one.sentence.startswith("In two sittings")
    assert "disliked (the later vote counts), both answers to “Hello”: “Hi.”" in one.sentence
    path = tmp_path / "votes.jsonl"
    path.write_text(
        '{"prompt": "Sing", "completion": "La.", "label": true}\n'
        '{"prompt": "Sing", "completion": "La.", "label": false}\n',
        encoding="utf-8",
    )
    store.import_file(path)
    assert len(found(store)) == 2


def test_only_votes_on_the_models_that_are_asked_for_are_looked_at(store):
    for value, policy in ((1, "ours"), (-1, "theirs")):
        store.add_thumb("Hello", "Hi.", value, turn=policy, origin=Origin(policy_hash=policy))
    assert found(store, "ours") == []
    assert len(found(store, ("ours", "theirs"))) == 1


def test_many_contradictions_are_told_in_a_few_sentences(store):
    for number in range(10):
        store.add_thumb(f"Who is number {number}?", "Nell.", 1, turn=f"up{number}")
        store.add_thumb(f"Who is number {number}?", "Nell.", -1, turn=f"down{number}")
    *sentences, advice = told(contradictions(store.list()))
    assert len(sentences) == 3
    assert "number 9" in sentences[-1]
    assert "Of 10 contradictions" in advice


def test_the_voter_is_told_in_the_terminal(capsys):
    add = ["feedback", "add", "--prompt", "Hello", "--completion", "Hi."]
    assert cli.run_command([*add, "--thumb", "up"]) == 0
    assert "was liked" not in capsys.readouterr().out
    assert cli.run_command([*add, "--thumb", "down"]) == 0
    assert "was liked and its twin" in capsys.readouterr().out
    assert cli.run_command(["feedback", "stats"]) == 0
    assert "was liked and its twin" in capsys.readouterr().out
