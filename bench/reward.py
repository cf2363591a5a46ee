"""Is the base reward model any good on what the chat model really says? And a network on votes?

    tinyllm bench reward --run NAME

*Own answers.* The chat model answers questions of every kind, 16 times each at temperature 1: "new"
ones, on content that fine-tuning lacked, and "seen" ones, its content in other wordings. The
village's grade of each answer is gold. Two figures, each with an interval (questions are drawn
again and again):

    correlation   of reward and gold within a question, averaged over the questions whose answers
                  differ in gold; a reward that tells none of them apart counts as 0
    gap closed    the best of eight by the reward, from a mean answer (0) to the best of eight by
                  gold (1); without bias, from all ways to take 8 of the 16 answers

"Centred" is the correlation of all answers to these questions at once, each measured from the mean
of its question, which gives more weight to questions whose answers differ much. Beside the reward
stand controls: chance, the length of an answer alone, and the parts that it is made of.

*A person's votes*: `bench/reward_votes.py`.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tinyllm.alignment.answers import read_answers
from tinyllm.alignment.comparisons import Graded, graded_answers
from tinyllm.alignment.overoptimisation import best_of_n_means
from tinyllm.alignment.people import PEOPLE
from tinyllm.alignment.village_feedback import distinct
from tinyllm.alignment.weighed_reward import NAMES, WeighedReward
from tinyllm.evaluation.intervals import bootstrap_mean, bootstrap_ratio
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import Transformer
from tinyllm.report import load_bench
from tinyllm.runs import Run, find
from tinyllm.taste import Place, opened
from tinyllm.tokens import Tokenizer
from tinyllm.village import INSTRUCTION_KINDS, grade, instructions

SPLITS = ("new", "seen")
QUESTIONS, SAMPLES, BEST_OF = 320, 16, 8
MAX_NEW_TOKENS = 96
VOTES, VOTERS = (25, 100), 8
RESAMPLES = 2000


def run(
    run: Run, *, questions: int = QUESTIONS, people: int = VOTERS, seed: int = 0
) -> dict[str, Any]:
    """Measure the reward model of `run` on its chat model's answers, then both ways to learn votes.

    With 0 `people` the votes are left out.
    """
    if questions < 2 or not 0 <= people <= PEOPLE:
        raise UsageError(
            f"expected at least 2 questions and from 0 to {PEOPLE} people, got {questions} and "
            f"{people}."
        )
    chat, reward = find(run, "chat"), find(run, "reward")
    if chat is None or reward is None:
        raise TinyLLMError(
            f"Run {run.name} has no {'reward' if chat else 'chat'} model. "
            f"`tinyllm train --run {run.name} --until reward` makes it."
        )
    model, tokenizer = opened(chat.chat)
    weighed = WeighedReward.load(reward.reward)
    found: dict[str, Any] = {"bench": "reward", "questions": questions, "samples": SAMPLES}
    for split in SPLITS:
        print(f"{questions} {split} questions, {SAMPLES} answers each", file=sys.stderr, flush=True)
        found[split] = own_answers(model, tokenizer, weighed, split, questions, seed)
    if people:
        place = Place(chat.chat, reward.reward)
        learn = load_bench("reward_votes").run
        for votes in VOTES:
            found[f"{votes} votes"] = learn(place, weighed, people=people, votes=votes, seed=seed)
    return found


def own_answers(
    model: Transformer,
    tokenizer: Tokenizer,
    reward: WeighedReward,
    split: str,
    questions: int,
    seed: int,
) -> dict[str, Any]:
    """The reward and its controls on the chat model's own answers, all kinds and each of them."""
    asked = distinct(instructions(split=split, seed=seed + 901), questions)
    graded: list[Graded] = list(
        graded_answers(
            model, tokenizer, asked, grade,
            num_samples=SAMPLES, max_new_tokens=MAX_NEW_TOKENS, seed=seed + 901,
        )
    )  # fmt: skip
    gold = torch.cat([each.scores for each in graded]).double().numpy()  # (P,G)
    numbers = torch.cat(
        [reward.numbers(each.answers, read_answers(model, each.answers)) for each in graded]
    ).view(*gold.shape, len(NAMES))  # (P,G,D)
    rewards = judges(numbers, reward, seed)
    kinds = np.array([one.kind for one in asked])
    return {
        "prompts": len(asked),
        "gold differs": int((np.ptp(gold, axis=1) > 0).sum()),
        **{name: agreement(judge, gold) for name, judge in rewards.items()},
        "by kind": {
            kind: {"mean gold": float(gold[kinds == kind].mean())}
            | agreement(rewards["reward"][kinds == kind], gold[kinds == kind])
            for kind in INSTRUCTION_KINDS
            if (kinds == kind).any()
        },
    }


def judges(numbers: Tensor, reward: WeighedReward, seed: int) -> dict[str, np.ndarray]:
    """The reward, the parts that it is made of, and the controls: each (P,G)."""
    column = torch.tensor([reward.weights.get(name, 0.0) for name in NAMES], dtype=torch.float64)
    own = {name: numbers[..., n].numpy() for n, name in enumerate(NAMES)}
    return {
        "reward": (numbers @ column).numpy(),
        "network alone": own["network"],
        "likelihood a token alone": own["likelihood a token"],
        "chance": np.random.default_rng(seed).random(numbers.shape[:2]),
        "longer": own["length"],
        "shorter": -own["length"],
    }


def agreement(reward: np.ndarray, gold: np.ndarray) -> dict[str, Any]:
    """How well a reward (P,G) agrees with gold within questions, and what it is worth to choose by.

    None where no question's answers differ in gold.
    """
    differ = np.ptp(gold, axis=1) > 0
    if not differ.any():
        return {"correlation": None, "centred": None, "gap closed": None}
    products, a, b = centred_sums(reward[differ], gold[differ])
    scale = np.sqrt(a * b)
    within = np.divide(products, scale, out=np.zeros_like(scale), where=scale > 0)
    draws = np.random.default_rng(0).integers(0, len(a), (RESAMPLES, len(a)))
    drawn = products[draws].sum(1) / np.sqrt(a[draws].sum(1) * b[draws].sum(1)).clip(1e-12)
    low, high = np.quantile(drawn, [0.025, 0.975])
    mean = gold.mean(1)
    best = best_of_n_means(reward, gold, BEST_OF)
    most = best_of_n_means(gold, gold, BEST_OF)
    return {
        "correlation": bootstrap_mean(within.tolist()).to_dict(),
        "centred": {
            "value": float(products.sum() / np.sqrt(a.sum() * b.sum()).clip(1e-12)),
            "low": float(low),
            "high": float(high),
            "n": len(a),
        },
        "mean": float(mean.mean()),
        "best": float(best.mean()),
        "oracle": float(most.mean()),
        "gap closed": bootstrap_ratio((best - mean)[differ], (most - mean)[differ]).to_dict(),
    }


def centred_sums(reward: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sums of products and of squares (P) of two judgements, each from its question's mean."""
    a = reward - reward.mean(1, keepdims=True)
    b = gold - gold.mean(1, keepdims=True)
    return (a * b).sum(1), (a * a).sum(1), (b * b).sum(1)
