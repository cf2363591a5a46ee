"""Questions answered ahead: ready at once, learned from in the background, errors said aloud."""

import threading
from dataclasses import replace

import pytest
from aligning import CONFIG, TOKENIZER, noise_into
from aligning import make_small_chat as make_small_chat
from aligning import set_one_thread as set_one_thread

from tinyllm import ahead as module
from tinyllm.ahead import Ahead
from tinyllm.alignment import FeedbackStore
from tinyllm.alignment.voter import Voter
from tinyllm.answering import Writer
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import Transformer, save_model

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPTS = ["Hello", "Who has it?", "Sing", "Tell me", "Good day", "Why?"]


@pytest.fixture(name="writer", scope="module")
def open_writer(small_chat):
    return Writer.open(stage=str(small_chat))


@pytest.fixture(name="store")
def make_store(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    yield store
    store.close()


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    for name, value in {"BATCH": 4, "USUAL": 4, "SAMPLES": 2, "MAX_NEW_TOKENS": 6}.items():
        monkeypatch.setattr(module, name, value)


def sitting(writer, store, votes=6, **options):
    """Vote on so many questions, each once all before it was learned from."""
    said = []
    with Ahead(writer, PROMPTS, store, ready=12, **options) as ahead:
        for number in range(votes):
            ahead.settle()
            question = ahead.take()
            said.append(question)
            better = "a" if len(question.answers[0].text) % 2 else "b"
            ahead.vote(question, better if options.get("pairs") else (-1) ** number)
    return said


def test_a_vote_lies_in_the_store_with_all_that_is_known_of_it(writer, store):
    question = sitting(writer, store, votes=1)[0]
    (record,) = store.list()
    assert (record.prompt, record.answer) == (question.prompt, question.answers[0])
    assert (record.value, record.chosen_by, record.predicted) == (1, "random", question.predicted)
    assert record.prompt_ids == tuple(writer.prompt_ids(question.prompt))
    assert record.origin.sampler["temperature"] == 0.8
    assert not record.origin.imported


@pytest.mark.parametrize("pairs", [False, True])
def test_the_same_seed_and_votes_bring_the_same_questions(writer, tmp_path, pairs):
    first, again, other = (
        sitting(writer, FeedbackStore(tmp_path / f"{name}.db"), pairs=pairs, seed=seed)
        for name, seed in (("one", 1), ("two", 1), ("three", 2))
    )
    assert first == again
    assert [q.answers for q in first] != [q.answers for q in other]
    assert {len(q.answers) for q in first} == {1 + pairs}
    assert all(len({answer.text for answer in q.answers}) == 1 + pairs for q in first)
    assert len({(q.prompt, q.answers) for q in first}) == len(first)


def test_no_question_waits_for_what_a_vote_teaches(writer, store, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    learn = Voter.learn

    def slowly(self, records):
        if records:
            begun.set()
            assert go_on.wait(60)
        learn(self, records)

    monkeypatch.setattr(Voter, "learn", slowly)
    with Ahead(writer, PROMPTS, store, ready=12) as ahead:
        ahead.settle()
        ahead.vote(ahead.take(), 1)
        assert begun.wait(60)
        ahead.vote(ahead.take(), -1)  # while the first vote is still being learned from
        go_on.set()
        ahead.settle()
    assert len(store.list()) == 2


def test_what_was_taken_back_is_learned_from_no_more(writer, store, monkeypatch):
    learned = []
    learn = Voter.learn
    monkeypatch.setattr(
        Voter, "learn", lambda self, records: (learned.append(len(records)), learn(self, records))
    )
    with Ahead(writer, PROMPTS, store, ready=12) as ahead:
        ahead.settle()
        kept = ahead.vote(ahead.take(), 1)
        ahead.settle()
        store.retract(kept.id)
        ahead.look_again()
        ahead.settle()
    assert learned == [0, 1, 0]


def test_who_waits_is_told_so_until_a_question_is_there(writer, store, monkeypatch):
    go_on = threading.Event()
    write = Ahead._write
    monkeypatch.setattr(Ahead, "_write", lambda self, n: (go_on.wait(60), write(self, n)))
    with Ahead(writer, PROMPTS, store, ready=12) as ahead:
        waiting = ahead.wait()
        assert next(waiting).note == "the model is still answering"
        assert len(ahead) == 0
        go_on.set()
        assert all(event.unit == "questions" for event in waiting)
        assert len(ahead) > 0
        assert list(ahead.wait()) == []


def test_an_error_of_the_thread_is_said_to_whoever_asks(writer, store, monkeypatch):
    def full(*_, **__):
        raise OSError("the disk is full")

    monkeypatch.setattr(module, "write_anchor", full)
    with Ahead(writer, PROMPTS, store, ready=12) as ahead:
        for ask in (ahead.settle, ahead.take):
            with pytest.raises(TinyLLMError, match="stopped with an error: the disk is full"):
                ask()


def test_closed_questions_say_so_and_the_thread_is_gone(writer, store):
    ahead = Ahead(writer, PROMPTS, store, ready=12).start()
    ahead.take()
    ahead.close()
    with pytest.raises(TinyLLMError, match="were closed; open them again"):
        ahead.take()
    assert not ahead._background.running


def test_a_model_that_repeats_itself_runs_out_of_questions(writer, store, monkeypatch):
    write = Writer.write

    def same(self, prompts, **options):
        return (replace(each, completion="Yes.") for each in write(self, prompts, **options))

    monkeypatch.setattr(Writer, "write", same)
    with Ahead(writer, PROMPTS, store, ready=12) as ahead:
        ahead.settle()
        for _ in PROMPTS:
            ahead.take()
        with pytest.raises(TinyLLMError, match="no answer left"):
            ahead.take()


def test_a_base_model_cannot_be_asked(tmp_path, store):
    model = noise_into(Transformer(CONFIG), 3)
    save_model(model, TOKENIZER, tmp_path / "base", eos=TOKENIZER.end_of_text, stage="base")
    with pytest.raises(UsageError, match="Questions need a chat model"):
        Ahead(Writer.open(stage=str(tmp_path / "base")), PROMPTS, store)


def test_without_prompts_there_is_nothing_to_ask(writer, store):
    with pytest.raises(ValueError, match="at least one prompt"):
        Ahead(writer, [], store)
