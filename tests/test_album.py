"""The album: pages at chosen steps, of every prompt, that change nothing and are kept once."""

from contextlib import closing
from itertools import pairwise

import pytest
import torch
from training_fakes import SENTENCES, a_batch, a_plan, encoded_corpus, same, shrink, tiny_model

from tinyllm.events import Evaluation, Page, Sample, Step
from tinyllm.model import Transformer, load_model, save_model
from tinyllm.runs import Run
from tinyllm.tokens import Tokenizer, TokenShards, longest_copies
from tinyllm.training import album, finetune, pretrain, stage
from tinyllm.training.album import expected_next, is_look, page_steps

BYTES = Tokenizer.from_merges([])


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Pretraining into `tmp_path/NAME`, with a state of its own."""
    shrink(monkeypatch)
    tokens = encoded_corpus(tmp_path / "tokenizer")

    def start(name="base", **changes):
        values = {"plan": a_plan(steps=8), "prompts": ("The sky",), **changes}
        state = tmp_path / "state" / f"{name}.safetensors"
        return pretrain(tmp_path / name, tokenizer_folder=tokens, state=state, **values)

    return start


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def weights(folder):
    return load_model(folder).state_dict()


@pytest.mark.parametrize("steps", [1, 2, 3, 9, 100, 361, 1150, 2500, 12_000, 200_000])
def test_the_first_and_the_last_step_have_pages_and_a_long_run_has_about_twenty(steps):
    pages = page_steps(steps)
    assert min(pages) == 1
    assert max(pages) == steps
    assert len(pages) <= 27
    assert steps < 1150 or len(pages) >= 13


def test_pages_lie_closer_together_at_first_and_later_fall_on_looks():
    pages = sorted(page_steps(2400))
    apart = [later - earlier for earlier, later in pairwise(pages)]
    assert apart == sorted(apart)
    assert apart[0] >= album.CLOSEST - 1
    own = [page for page in pages if not is_look(page, 2400)]
    assert own == [15, 30, 60, 2400]


def test_pages_between_looks_are_brief_and_measure_no_loss(run, monkeypatch):
    monkeypatch.setattr(stage, "BRIEF_TOKENS", 3)
    monkeypatch.setattr(stage, "page_steps", lambda steps: {5})
    events = list(run())
    (page,) = [event for event in of(Page, events) if event.step == 5 and event.prompt]
    assert len(BYTES.encode(page.completion)) <= 3 or "\ufffd" in page.completion
    assert 5 not in {event.step for event in of(Evaluation, events)}


def test_what_is_expected_next_are_the_models_own_probabilities():
    model = tiny_model(seed=3)
    with torch.no_grad():
        chances = model(torch.tensor([[0, 5, 6]]))[0, -1].softmax(-1)
    likeliest, entropy = expected_next(model, BYTES, [0, 5, 6])
    assert [p for _, p in likeliest] == pytest.approx(
        chances.sort(descending=True)[0][:10].tolist()
    )
    assert likeliest[0][0] == BYTES.pieces([int(chances.argmax())])[0].decode(errors="replace")
    assert entropy == pytest.approx(torch.distributions.Categorical(chances).entropy() / 0.693147)


def test_a_model_without_an_opinion_has_the_entropy_of_its_vocabulary():
    model = tiny_model()
    torch.nn.init.zeros_(model.output_weight)
    assert expected_next(model, BYTES, [0])[1] == pytest.approx(8.02791)  # log2 of 261


def test_every_prompt_has_a_page_at_the_first_and_the_last_step(run):
    events = list(run())
    pages = of(Page, events)
    assert {(page.step, page.prompt) for page in pages} >= {
        (step, prompt) for step in (1, 8) for prompt in ("", "The sky")
    }
    assert {page.tokens for page in pages} == {page.step * 64 for page in pages}
    for page in pages:
        assert len(page.next) == 10
        assert 0 < page.next[-1][1] <= page.next[0][1] < 1
        assert 0 < page.entropy <= 8.03


def test_a_look_without_a_page_says_what_it_said_before_there_was_an_album(run, monkeypatch):
    monkeypatch.setattr(stage, "page_steps", lambda steps: {1, steps})
    between = [event for event in run() if isinstance(event, Sample) and 1 < event.step < 8]
    assert between
    assert {type(event) for event in between} == {Sample}


def test_a_page_says_how_much_of_it_stands_in_the_training_text(run, tmp_path):
    last = of(Page, run(plan=a_plan(steps=40)))[-1]
    train = TokenShards.open(tmp_path / "tokenizer", "train")
    (copy,) = longest_copies([BYTES.encode(last.completion)], train)
    assert (last.copied_tokens, last.copied_from) == (copy.tokens, copy.document)
    assert last.copied in last.completion
    assert last.copied in SENTENCES[last.copied_from]
    # Held-out text is the training text here, and a sample has 8 tokens, a control 10.
    assert last.control_words == 3


def test_a_text_too_large_for_every_page_is_searched_at_the_end_alone(run, monkeypatch):
    monkeypatch.setattr(album, "MOST_SEARCHED", 0)
    searched = {page.step: page.copied_tokens is not None for page in of(Page, run())}
    assert searched.pop(8)
    assert not any(searched.values())


def test_the_album_changes_no_weight_and_no_loss(run, tmp_path, monkeypatch):
    with_album = list(run("with"))
    monkeypatch.setattr(stage, "page_steps", lambda steps: set())
    without = list(run("without"))
    assert same(weights(tmp_path / "with"), weights(tmp_path / "without"))
    losses = [[event.loss for event in of(Step, events)] for events in (with_album, without)]
    assert losses[0] == losses[1]
    assert of(Evaluation, with_album)[-1] == of(Evaluation, without)[-1]


def test_a_resumed_run_has_the_pages_of_a_run_in_one_piece(run, tmp_path):
    whole, parts = Run(tmp_path / "runs" / "whole"), Run(tmp_path / "runs" / "parts")
    for event in run("whole"):
        whole.record(event)
    with closing(run("parts")) as events:
        for event in events:
            parts.record(event)
            if isinstance(event, Step) and event.step == 3:
                break
    for event in run("parts"):
        parts.record(event)
    assert parts.album() == whole.album()


def test_pages_of_fine_tuning_compare_answers_with_answers(tmp_path, monkeypatch):
    shrink(monkeypatch)
    model = Transformer(a_plan().model_config(261), generator=torch.Generator().manual_seed(4))
    save_model(model, BYTES, tmp_path / "base", eos=BYTES.end_of_text, stage="base")
    examples = [("a?", "yes"), ("b?", "yes")] * 20 + [("c?", "yes we do")]
    plan = a_plan(size=None, rows=4, steps=60)
    folder, state = tmp_path / "chat", tmp_path / "state"
    events = finetune(folder, base=tmp_path / "base", examples=examples, state=state, plan=plan)
    last = of(Page, events)[-1]
    assert (last.stage, last.step, last.prompt) == ("chat", 60, "c?")
    assert last.completion == last.copied == "yes"
    assert (last.copied_tokens, last.copied_from) == (3, 0)
    assert last.control_words is None  # no held-out answer has ten tokens


def test_what_is_looked_at_instead_of_the_validation_text_has_pages_too(run):
    assert of(Page, run(held_out=[a_batch(seed=5)]))[-1].step == 8
