"""The losses of DPO, KTO and GRPO beside TRL's own, on the same model, answers and weights."""

from dataclasses import replace

import pytest
import torch
from datasets import Dataset

import tinyllm
from tinyllm.alignment.answers import read_answers
from tinyllm.alignment.comparisons import Pair
from tinyllm.alignment.kl import AdaptiveBeta
from tinyllm.alignment.labels import Labels, Thumb
from tinyllm.alignment.methods import METHODS, Ingredients
from tinyllm.alignment.methods.dpo import preferred_loss
from tinyllm.alignment.methods.grpo import group_advantages, grpo_loss
from tinyllm.alignment.methods.kto import liked_loss
from tinyllm.alignment.methods.offline import side_by_side
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.rollouts import Rollouts

trl = pytest.importorskip("trl")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

SAID = (
    ("What colour is the sky?", "The sky is blue.", "The sky is made of bread, as far as I know."),
    ("Who is Nell?", "Nell is a girl.", "No."),
    ("Is ice cold?", "Yes, ice is cold.", "Ice is warm."),
)


@pytest.fixture(scope="module")
def chat(trained_home):
    return trained_home / "runs" / "default" / "chat"


@pytest.fixture(scope="module")
def ours(chat):
    """A policy that has moved, the chat model, and the tokenizer."""
    policy, tokenizer = tinyllm.load(chat)
    reference, _ = tinyllm.load(chat)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.mul_(1 + 0.02 * torch.randn(weight.shape, generator=generator))
    return policy, reference.requires_grad_(False), tokenizer


@pytest.fixture(scope="module")
def moved(ours, chat):
    """The same policy and chat model, opened by transformers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    policy = AutoModelForCausalLM.from_pretrained(chat, dtype=torch.float32)
    missing = policy.load_state_dict(ours[0].state_dict(), strict=False)
    assert set(missing.missing_keys) <= {"lm_head.weight"}
    reference = AutoModelForCausalLM.from_pretrained(chat, dtype=torch.float32)
    return policy, reference, AutoTokenizer.from_pretrained(chat)


def tokens(tokenizer):
    """Each line of SAID: the prompt's tokens, and both answers' with their ends."""
    for asked, good, bad in SAID:
        prompt = tokenizer.encode_chat(
            [{"role": "user", "content": asked}], add_generation_prompt=True
        )
        good, bad = ((*tokenizer.encode(text), tokenizer.end) for text in (good, bad))
        yield tuple(prompt), good, bad


def arguments(folder, **more):
    return {
        "output_dir": str(folder), "report_to": [], "use_cpu": True, "seed": 0,
        "per_device_train_batch_size": 6, "activation_checkpointing": False, "bf16": False, **more,
    }  # fmt: skip


def talk(asked):
    return [{"role": "user", "content": asked}]


def said(answer):
    return [{"role": "assistant", "content": answer}]


def first_batch(trainer):
    return next(iter(trainer.get_train_dataloader()))


def given(ours, labels):
    policy, reference, tokenizer = ours
    return Ingredients(
        policy=policy, reference=reference, anchor=None, trained_on=1, practised=1, reward=None,
        labels=lambda: labels, beta=AdaptiveBeta(start=0.05, budget=3.0), config=PolicyConfig(),
        end=tokenizer.end, pad=tokenizer.pad,
    )  # fmt: skip


def test_dpo(ours, moved, tmp_path):
    theirs, reference, tokenizer = moved
    rows = [{"prompt": talk(a), "chosen": said(g), "rejected": said(b)} for a, g, b in SAID]
    trainer = trl.DPOTrainer(
        theirs, reference, processing_class=tokenizer, train_dataset=Dataset.from_list(rows),
        args=trl.DPOConfig(**arguments(tmp_path, beta=0.3)),
    )  # fmt: skip
    theirs.eval()
    batch = first_batch(trainer)
    expected = trainer.compute_loss(theirs, batch).item()
    pairs = [Pair(prompt, good, bad) for prompt, good, bad in tokens(ours[2])]
    mine = next(METHODS["dpo"](given(ours, Labels(pairs))).batches)
    told = {tuple(row[row != ours[2].pad].tolist()) for row in batch["input_ids"]}
    assert told == {(*p, *a) for p, g, b in tokens(ours[2]) for a in (g, b)}
    assert preferred_loss(ours[0], mine, beta=0.3)[0].item() == pytest.approx(expected, rel=1e-4)


def test_kto(ours, moved, tmp_path):
    theirs, reference, tokenizer = moved
    rows = [
        {"prompt": talk(asked), "completion": said(answer), "label": label}
        for asked, good, bad in SAID
        for answer, label in ((good, True), (bad, False))
    ]
    trainer = trl.KTOTrainer(
        theirs, reference, processing_class=tokenizer, train_dataset=Dataset.from_list(rows),
        args=trl.KTOConfig(**arguments(tmp_path, beta=0.3)),
    )  # fmt: skip
    theirs.eval()
    batch = first_batch(trainer)
    expected = trainer.compute_loss(theirs, batch).item()
    thumbs = [
        Thumb(prompt, answer, up)
        for prompt, good, bad in tokens(ours[2])
        for answer, up in ((good, True), (bad, False))
    ]
    mine = next(METHODS["kto"](given(ours, Labels(thumbs=thumbs))).batches)
    # In their order, because it decides which answer stands under which wrong prompt.
    in_order = side_by_side([(t.prompt, t.answer) for t in thumbs], end=4, pad=1)
    mine = replace(
        mine,
        answers=in_order,
        wrong=side_by_side(
            [(thumbs[n - 1].prompt, t.answer) for n, t in enumerate(thumbs)], end=4, pad=1
        ),
        up=torch.tensor([t.up for t in thumbs]),
        weights=torch.ones(6),
    )
    read = {
        name: read_answers(ours[1], getattr(mine, name)).log_probs.sum(1)
        for name in ("answers", "wrong")
    }
    mine = replace(mine, reference=read["answers"], wrong_reference=read["wrong"])
    assert liked_loss(ours[0], mine, beta=0.3)[0].item() == pytest.approx(expected, rel=1e-3)


def test_grpo(ours, moved, tmp_path):
    theirs, _, tokenizer = moved
    policy, reference, own = ours
    rows = list(tokens(own))
    answers = side_by_side([(p, a) for p, g, b in rows for a in (g, b)], end=own.end, pad=own.pad)
    rewards = torch.tensor([[1.0, 0.0], [0.2, 0.9], [0.4, 0.5]])
    advantages = group_advantages(rewards, rewards, 0.1).flatten()
    # The answers were written by a policy a little different from the one that learns now.
    old = read_answers(reference, answers).log_probs
    answers = replace(answers, log_probs=old)
    batch = Rollouts(
        answers=answers, reading=read_answers(reference, answers), rewards=rewards.flatten(),
        advantages=advantages, beta=0.2,
    )  # fmt: skip
    mine = grpo_loss(reference, clip=0.2)(policy, batch)[0].item()
    trainer = trl.GRPOTrainer(
        theirs, reward_funcs=lambda completions, **_: [0.0] * len(completions),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list([{"prompt": talk(a)} for a, _, _ in SAID]),
        args=trl.GRPOConfig(
            **arguments(tmp_path, beta=0.2, loss_type="grpo", num_generations=2, epsilon=0.2,
                        use_bias_correction_kl=False)
        ),
    )  # fmt: skip
    theirs.eval()
    # Theirs are laid out apart: prompts padded on the left, completions on the right.
    longest = max(len(p) for p, _, _ in rows)
    prompts = torch.full((6, longest), own.pad)
    wide = int(answers.answer_lengths.max())
    ids, mask = torch.full((6, wide), own.pad), torch.zeros(6, wide).long()
    per_token = torch.zeros(6, wide)
    for row in range(6):
        prompt, said_ids = rows[row // 2][0], answers.completion(row)
        prompts[row, longest - len(prompt) :] = torch.tensor(prompt)
        ids[row, : len(said_ids)] = torch.tensor(said_ids)
        mask[row, : len(said_ids)] = 1
        per_token[row, : len(said_ids)] = old[row][answers.mask[row]]
    inputs = {
        "prompt_ids": prompts, "prompt_mask": (prompts != own.pad).long(),
        "completion_ids": ids, "completion_mask": mask, "advantages": advantages,
        "old_per_token_logps": per_token, "ref_per_token_logps": per_token,
        "num_items_in_batch": mask.sum(),
    }  # fmt: skip
    with torch.no_grad():
        expected = trainer._compute_loss(theirs, inputs).item()
    assert mine == pytest.approx(expected, rel=1e-3)
