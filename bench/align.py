"""Alignment beside TRL: the same model folder, prompts, rewards and labels, as many steps.

    tinyllm bench align --run NAME        # or --model FOLDER

RLOO and GRPO learn from rollouts: 16 prompts with 8 answers each, judged by the village's grader
(here it is the gold reward, so nothing stands between what is learned and what is measured). DPO
and KTO learn from the chat model's own answers, judged by the same. Steps are timed one by one and
the first, which prepares, does not count; the ratio is that of the medians. Then both policies
answer questions of the same kinds with the same sampler, and the grader says how well.

Each side has its own optimizer, ours Muon and TRL's AdamW. Each gets three learning rates, and the
best of its results counts; the share of different pairs of words stands beside it (distinct-2, of
the chat model's own), as a policy that says one good answer to everything is no better for it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor, write_anchor
from tinyllm.alignment.answers import Answers, write_answers
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.kl import AdaptiveBeta
from tinyllm.alignment.labels import Labels, labels_from_reward
from tinyllm.alignment.methods import METHODS, Ingredients
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.promotion import distinct_2
from tinyllm.alignment.village_feedback import distinct
from tinyllm.evaluation.intervals import bootstrap_mean
from tinyllm.events import result_of
from tinyllm.files import UsageError
from tinyllm.model import Transformer, load_model
from tinyllm.tokens import Tokenizer
from tinyllm.training import Rates, Schedule, optimizer_for, train
from tinyllm.village import Instruction, grade, instructions

ONLINE, OFFLINE = ("rloo", "grpo"), ("dpo", "kto")
LEARNING_RATES = (1e-4, 3e-4, 1e-3)
"""TRL's."""
FASTER = (1.0, 2.0, 4.0)
"""Ours, times the method's own."""
PROMPTS, ASKED = 96, 96
"""To learn from, and to be graded on, with content that fine-tuning lacked."""
PROMPTS_PER_STEP, SAMPLES = 16, 8
MAX_NEW_TOKENS = 96
BETA = 0.05


class Scene(NamedTuple):
    """What both sides are given."""

    folder: Path
    tokenizer: Tokenizer
    asked: Sequence[Instruction]
    graded: Sequence[Instruction]
    anchor: Anchor
    labels: Labels
    steps: int

    def gold(self, answers: Answers, reading: Any = None) -> Tensor:
        """The grader's score of each answer (B)."""
        rows = range(len(answers))
        scores = [
            self.score(self.asked[int(answers.which[row])], answers.completion(row)) for row in rows
        ]
        return torch.tensor(scores)

    def score(self, instruction: Instruction, ids: Sequence[int]) -> float:
        """What the grader thinks of an answer's tokens."""
        finished = bool(ids) and ids[-1] == self.tokenizer.end
        return float(grade(instruction, self.tokenizer.decode(ids), finished=finished).score)


def run(
    model: Path, *, steps: int = 20, methods: Sequence[str] = ONLINE + OFFLINE
) -> dict[str, Any]:
    """Seconds a step and gold reward, ours and TRL's."""
    if unknown := sorted(set(methods) - set(ONLINE + OFFLINE)):
        raise UsageError(f"TRL is beside us in {', '.join(ONLINE + OFFLINE)}, not in {unknown[0]}.")
    scene = _scene(model, steps)
    before = graded(load_model(model), scene)
    found: dict[str, Any] = {"bench": "align", "steps": steps, "gold_before": before.gold}
    for method in methods:
        seconds: dict[str, list[float]] = {"ours": [], "trl": []}
        tried: dict[str, dict[float, Graded]] = {"ours": {}, "trl": {}}
        # In turn, so that other work on the machine slows both.
        for factor, rate in zip(FASTER, LEARNING_RATES, strict=True):
            for who, train_one, speed in (("ours", ours, factor), ("trl", peer, rate)):
                took, policy = train_one(scene, method, speed)
                seconds[who].append(took)
                tried[who][speed] = graded(policy, scene)
        best = {who: max(results, key=lambda speed: results[speed].gold)
                for who, results in tried.items()}  # fmt: skip
        ratios = [trl / mine for mine, trl in zip(seconds["ours"], seconds["trl"], strict=True)]
        found[method] = {
            "seconds": {who: median(each) for who, each in seconds.items()},
            "ratio": {"median": median(ratios), "least": min(ratios), "most": max(ratios)},
            **{
                who: {
                    "gold": tried[who][rate].gold,
                    "interval": tried[who][rate].interval,
                    "distinct_2": diversity(tried[who][rate], before),
                    "rate": rate,
                    "every_rate": {str(r): each.gold for r, each in tried[who].items()},
                }
                for who, rate in best.items()
            },
        }
    return found


def _scene(folder: Path, steps: int) -> Scene:
    model, tokenizer = load_model(folder).requires_grad_(False), Tokenizer.load(folder)
    asked = distinct(instructions(split="train", seed=11), PROMPTS)
    writing = write_anchor(
        model,
        [encode_prompt(tokenizer, each.prompt) for each in asked],
        num_samples=SAMPLES,
        max_new_tokens=MAX_NEW_TOKENS,
        end=tokenizer.end,
        pad=tokenizer.pad,
        seed=12,
    )
    anchor = result_of(writing)
    scene = Scene(
        folder=folder,
        tokenizer=tokenizer,
        asked=asked,
        graded=distinct(instructions(split="new", seed=13), ASKED),
        anchor=anchor,
        labels=Labels(),
        steps=steps,
    )
    labels = labels_from_reward(anchor, scene.gold(anchor.answers), range(len(asked)))
    return scene._replace(labels=labels)


def ours(scene: Scene, method: str, factor: float) -> tuple[float, Transformer]:
    """The median seconds of a step after the first, and the policy."""
    policy, reference = load_model(scene.folder), load_model(scene.folder).requires_grad_(False)
    config = PolicyConfig(
        steps=scene.steps,
        prompts_per_step=PROMPTS_PER_STEP,
        num_samples=SAMPLES,
        max_new_tokens=MAX_NEW_TOKENS,
        beta=BETA,
    )
    learning = METHODS[method](
        Ingredients(
            policy=policy,
            reference=reference,
            anchor=scene.anchor,
            trained_on=len(scene.asked),
            practised=len(scene.asked),
            reward=scene.gold,
            labels=lambda: scene.labels,
            beta=AdaptiveBeta(start=BETA, budget=config.kl_budget),
            config=config,
            end=scene.tokenizer.end,
            pad=scene.tokenizer.pad,
        )
    )
    took, last = [], time.monotonic()
    for _ in train(
        learning.learner,
        learning.batches,
        learning.loss,
        optimizer=optimizer_for(learning.learner, faster(learning.rates, factor)),
        schedule=Schedule(steps=scene.steps, warmup=3, cooldown=0.5),
        steps=scene.steps,
        stage="aligned",
    ):
        took.append(time.monotonic() - last)
        last = time.monotonic()
    return median(took[1:]), policy


def peer(scene: Scene, method: str, rate: float) -> tuple[float, Transformer]:
    """The same for TRL with this learning rate."""
    import trl
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

    took: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.last = getattr(self, "last", time.monotonic())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            took.append(time.monotonic() - self.last)
            self.last = time.monotonic()

    model = AutoModelForCausalLM.from_pretrained(scene.folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(scene.folder)
    with tempfile.TemporaryDirectory() as temporary:
        common: dict[str, Any] = {
            "output_dir": temporary, "report_to": [], "use_cpu": True, "bf16": False, "seed": 0,
            "max_steps": scene.steps, "learning_rate": rate, "logging_steps": 1000, "beta": BETA,
            "save_strategy": "no", "disable_tqdm": True,
        }  # fmt: skip
        if method in ONLINE:
            by_prompt = {each.prompt: each for each in scene.asked}

            def gold(prompts: Any, completion_ids: Any, **_: Any) -> list[float]:
                return [
                    scene.score(by_prompt[prompt[-1]["content"]], ids)
                    for prompt, ids in zip(prompts, completion_ids, strict=True)
                ]

            config, trainer = {
                "rloo": (trl.RLOOConfig, trl.RLOOTrainer),
                "grpo": (trl.GRPOConfig, trl.GRPOTrainer),
            }[method]
            made = trainer(
                model=model,
                reward_funcs=[gold],
                processing_class=tokenizer,
                train_dataset=Dataset.from_list([{"prompt": _talk(e.prompt)} for e in scene.asked]),
                callbacks=[Clock()],
                args=config(
                    **common,
                    per_device_train_batch_size=PROMPTS_PER_STEP * SAMPLES,
                    num_generations=SAMPLES,
                    max_completion_length=MAX_NEW_TOKENS,
                    steps_per_generation=1,
                ),
            )
        else:
            made = _from_labels(scene, method, model, tokenizer, common, Clock())
        made.train()
    policy = load_model(scene.folder)
    policy.load_state_dict(
        {name: model.state_dict()[name] for name in policy.state_dict()}, strict=True
    )
    return median(took[1:]), policy


def _from_labels(
    scene: Scene, method: str, model: Any, tokenizer: Any, common: dict[str, Any], clock: Any
) -> Any:
    import trl
    from datasets import Dataset
    from transformers import AutoModelForCausalLM

    texts = {
        tuple(ids): each.prompt for ids, each in zip(scene.anchor.prompts, scene.asked, strict=True)
    }

    def said(ids: Sequence[int]) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": scene.tokenizer.decode(list(ids))}]

    reference = AutoModelForCausalLM.from_pretrained(scene.folder, dtype=torch.float32)
    if method == "dpo":
        rows = [
            {
                "prompt": _talk(texts[p.prompt]),
                "chosen": said(p.chosen),
                "rejected": said(p.rejected),
            }
            for p in scene.labels.pairs
        ]
        return trl.DPOTrainer(
            model, reference, processing_class=tokenizer, train_dataset=Dataset.from_list(rows),
            callbacks=[clock],
            args=trl.DPOConfig(**common, per_device_train_batch_size=_rows("dpo")),
        )  # fmt: skip
    rows = [
        {"prompt": _talk(texts[t.prompt]), "completion": said(t.answer), "label": t.up}
        for t in scene.labels.thumbs
    ]
    return trl.KTOTrainer(
        model, reference, processing_class=tokenizer, train_dataset=Dataset.from_list(rows),
        callbacks=[clock], args=trl.KTOConfig(**common, per_device_train_batch_size=_rows("kto")),
    )  # fmt: skip


def _rows(method: str) -> int:
    import importlib

    return int(importlib.import_module(f"tinyllm.alignment.methods.{method}").ROWS)


def faster(rates: Rates, factor: float) -> Rates:
    """The same rates, multiplied."""
    names = ("matrices", "embedding", "gains", "head")
    return replace(rates, **{name: factor * getattr(rates, name) for name in names})


class Graded(NamedTuple):
    """The mean gold reward with its interval, and the answers in tokens."""

    gold: float
    interval: tuple[float, float]
    answers: list[list[int]]


def graded(policy: Transformer, scene: Scene) -> Graded:
    """Four sampled answers to each question, judged; the interval is a bootstrap over questions."""
    answers = write_answers(
        policy,
        [encode_prompt(scene.tokenizer, each.prompt) for each in scene.graded],
        range(len(scene.graded)),
        num_samples=4,
        max_new_tokens=MAX_NEW_TOKENS,
        end=scene.tokenizer.end,
        pad=scene.tokenizer.pad,
        seed=14,
    )
    scores = [
        scene.score(scene.graded[int(answers.which[row])], answers.completion(row))
        for row in range(len(answers))
    ]
    means = torch.tensor(scores).view(len(scene.graded), -1).mean(1)
    found = bootstrap_mean(means.tolist())
    completions = [answers.completion(row) for row in range(len(answers))]
    return Graded(found.value, (found.low, found.high), completions)


def diversity(new: Graded, old: Graded) -> float:
    """How many different pairs of words `new` says for each that `old` says, in as many tokens."""
    tokens = min(sum(map(len, each.answers)) for each in (new, old))
    return distinct_2(new.answers, tokens) / distinct_2(old.answers, tokens)


def _talk(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]
