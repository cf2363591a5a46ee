"""Fine-tuning: answers are learned, questions are not, and the text before is not forgotten."""

from contextlib import closing
from dataclasses import replace
from itertools import islice

import pytest
import torch
from training_fakes import SENTENCES, a_plan, encoded_corpus, same, shards_of, shrink, weights_of

from tinyllm.events import Evaluation, Finished, Notice, Sample, Step
from tinyllm.files import TinyLLMError, read_manifest, sha256
from tinyllm.model import Transformer, generate, load_model, save_model
from tinyllm.tokens import Tokenizer
from tinyllm.training import IGNORED, Plan, encode_examples, finetune, next_token_loss
from tinyllm.training.finetuning import MOST_EPOCHS, ROWS, Mixture

EXAMPLES = [(f"{n}?", f"yes {n}") for n in range(12)]
PLAN = a_plan(size=None, rows=4, steps=6)


@pytest.fixture
def base(tmp_path, monkeypatch):
    shrink(monkeypatch)
    config = a_plan().model_config(261)
    model = Transformer(config, generator=torch.Generator().manual_seed(4))
    tokenizer = Tokenizer.from_merges([])
    save_model(model, tokenizer, tmp_path / "base", eos=tokenizer.end_of_text, stage="base")
    return tmp_path / "base"


@pytest.fixture
def run(tmp_path, base):
    """Fine-tuning into `tmp_path/NAME`, with a state of its own."""

    def start(name="chat", **changes):
        values = {"examples": EXAMPLES, "plan": PLAN, **changes}
        where = tmp_path / "state" / f"{name}.safetensors"
        return finetune(tmp_path / name, base=base, state=where, **values)

    return start


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def weights(folder):
    return load_model(folder).state_dict()


def mixture(**changes):
    examples = [e for _, e in encode_examples(Tokenizer.from_merges([]), EXAMPLES, context=32)]
    values = {"examples": examples, "separator": 0, **changes}
    return Mixture(**values)


def test_a_run_leaves_a_chat_model_and_its_origin(run, tmp_path, base):
    events = list(run())
    assert [event.step for event in of(Step, events)] == [1, 2, 3, 4, 5, 6]
    assert {event.stage for event in events} == {"chat"}
    assert of(Evaluation, events)[-1].metrics["loss"] < of(Evaluation, events)[0].metrics["loss"]
    assert {sample.prompt for sample in of(Sample, events)} == {"11?"}
    assert of(Finished, events)[0].folder == str(tmp_path / "chat")
    manifest = read_manifest(tmp_path / "chat")
    assert manifest["stage"] == "chat"
    assert manifest["hashes"]["base"] == sha256(base)
    assert Plan.from_dict(manifest["plan"]) == PLAN
    generation = (tmp_path / "chat" / "generation_config.json").read_text(encoding="utf-8")
    assert '"eos_token_id": 4' in generation
    assert not list((tmp_path / "state").iterdir())


def test_rows_are_as_short_as_examples_allow_and_a_batch_holds_as_much_as_before(tmp_path, base):
    model = Transformer(replace(load_model(base).config, max_position_embeddings=512))
    long_base, state = tmp_path / "long", tmp_path / "state"
    save_model(model, Tokenizer.load(base), long_base, eos=0)
    list(finetune(tmp_path / "c", base=long_base, examples=EXAMPLES, state=state, steps=1))
    plan = Plan.from_dict(read_manifest(tmp_path / "c")["plan"])
    assert (plan.rows, plan.context) == (ROWS * 4, 128)
    examples = [*EXAMPLES, ("a", "b" * 200)] * 2
    list(finetune(tmp_path / "d", base=long_base, examples=examples, state=state, steps=1))
    plan = Plan.from_dict(read_manifest(tmp_path / "d")["plan"])
    assert (plan.rows, plan.context) == (ROWS * 2, 256)


def test_a_model_learns_to_answer_and_to_stop(run, tmp_path):
    examples = [("a", "x"), ("b", "y")] * 20
    plan = a_plan(size=None, rows=4, steps=60, rates=a_plan().rates)
    list(run(examples=examples, plan=plan))
    model, tokenizer = load_model(tmp_path / "chat"), Tokenizer.load(tmp_path / "chat")
    prompts = [
        tokenizer.encode_chat([{"role": "user", "content": text}], add_generation_prompt=True)
        for text in "ab"
    ]
    made = generate(model, prompts, max_new_tokens=8, temperature=0.0, stop=tokenizer.end)
    assert [tokenizer.decode(ids) for ids in made.ids] == ["x", "y"]
    assert made.finish_reasons == ["stop", "stop"]


def test_questions_give_no_gradient():
    tokenizer = Tokenizer.from_merges([])
    batch = next(mixture().batches(PLAN))
    marks = {tokenizer.user, tokenizer.assistant, tokenizer.end_of_text}
    targets = batch.targets[batch.targets != IGNORED].tolist()
    assert not marks & set(targets)
    assert tokenizer.encode("?")[0] not in targets
    assert tokenizer.end in targets


def test_changing_a_masked_question_at_the_end_changes_nothing_but_itself(base):
    model = load_model(base)
    batch = next(mixture().batches(PLAN))
    last = int((batch.targets[0] != IGNORED).nonzero()[-1])
    loss = next_token_loss(model, batch)[0]
    batch.ids[0, last + 1 :] = 99
    assert torch.equal(next_token_loss(model, batch)[0], loss)


@pytest.mark.parametrize(("share", "rows"), [(0.0, 0), (0.25, 1), (0.5, 2), (0.99, 3)])
def test_a_share_of_the_rows_is_pretraining_text_in_full(share, rows):
    batch = next(mixture(documents=shards_of(SENTENCES), replay_share=share).batches(PLAN))
    replayed = [ids for ids in batch.ids.tolist() if ids[0] == 0]
    assert len(batch.ids) == 4
    assert len(replayed) == rows
    for row in batch.targets[4 - rows :]:
        assert (row[:14] != IGNORED).all(), "the shortest document has 14 targets"


def test_replayed_text_is_part_of_the_origin(run, tmp_path):
    folder = encoded_corpus(tmp_path / "tokenizer")
    list(run(replay=folder))
    hashes = read_manifest(tmp_path / "chat")["hashes"]
    assert hashes["replay"] == sha256(folder / "tokens-train.bin")


def test_a_stopped_run_goes_on_to_the_same_weights(run, tmp_path):
    folder = encoded_corpus(tmp_path / "tokenizer")
    list(run("whole", replay=folder))
    with closing(run("parts", replay=folder)) as events:
        list(islice((event for event in events if isinstance(event, Step)), 3))
    rest = list(run("parts", replay=folder, plan=None, seconds=100.0))
    assert [event.step for event in of(Step, rest)] == [4, 5, 6]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


def test_other_examples_for_a_begun_run_are_refused(run):
    with closing(run()) as events:
        list(islice(events, 3))
    with pytest.raises(TinyLLMError, match="examples of the hashes differs"):
        list(run(examples=[*EXAMPLES[:-1], ("12?", "no")]))


def test_few_examples_are_not_read_too_often(run):
    with closing(run(plan=None, seconds=100.0)) as events:
        [first] = islice((event for event in events if isinstance(event, Step)), 1)
    assert first.steps <= MOST_EPOCHS * 2


def test_examples_too_long_for_the_model_are_left_out_with_a_notice(run):
    examples = [*EXAMPLES, ("long", "x" * 40)]
    with closing(run(examples=examples)) as events:
        notice = next(events)
    assert isinstance(notice, Notice)
    assert "1 of 13 examples have more than 33 tokens" in notice.text


def test_too_few_examples_are_said(run):
    with pytest.raises(TinyLLMError, match="at least two examples of at most 33 tokens; 1 of 2"):
        list(run(examples=[("hi", "yo"), ("long", "x" * 40)]))


def test_special_tokens_typed_in_a_prompt_do_not_move_the_answer():
    tokenizer = Tokenizer.from_merges([])
    [(_, example)] = encode_examples(tokenizer, [("<|assistant|>", "yo")], context=64)
    assert tokenizer.decode(example.ids[example.prompt :]) == "yo"


def test_a_base_model_is_not_changed(run, base):
    before = weights(base)
    list(run())
    assert same(weights(base), before)
    assert not same(weights_of(load_model(base)), weights(base.parent / "chat"))
