"""Stage 5: from comparisons or thumbs to a new version of the model.

    chat model ──> reference answers ──> reward ──> method ──> gate ──> aligned/vNNN, in use or not

Always from the chat model, the anchor, with all valid feedback, and never from the last version: so
versions can be compared, and feedback that is deleted leaves no trace in the next one.

Two rewards can lead. In `tinyllm train` it is the reward model, which learned from comparisons of
the chat model's own answers. With a person's records it is what explains them, for which the reward
model, where there is one, is the prior; and what is practised are prompts like those voted on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import compress
from pathlib import Path
from typing import Any

import torch

from tinyllm.alignment.anchor import ShapedReward, write_anchor
from tinyllm.alignment.controls import Lead
from tinyllm.alignment.influence import most_influential
from tinyllm.alignment.labels import Labels, labels_from_records, labels_from_reward
from tinyllm.alignment.likeness import closeness, most_alike
from tinyllm.alignment.methods import METHODS
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.policy_training import SHARES, STAGE, learn_policy, part_of_the_way
from tinyllm.alignment.promotion import TASTE_LIMITS, Canaries, Gate, Limits, objections
from tinyllm.alignment.records import Record
from tinyllm.alignment.rollouts import Reward
from tinyllm.alignment.thumb_reward import FEW, Grounds, ThumbReward, number_prompts, tell_apart
from tinyllm.alignment.versions import current, next_name, promote
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.events import Evaluation, Event, Finished, Notice
from tinyllm.files import TinyLLMError, UsageError, sha256
from tinyllm.model import load_model, save_model
from tinyllm.tokens import Tokenizer

GATE_SECONDS = 0.12
"""The share of the seconds that is kept for the gate."""
ANSWERS_SECONDS = 0.45
"""The share of the seconds after which the chat model gives no more answers to choose from."""
LEAST_SPREAD = 0.1
"""A thumb head whose rewards differ less than this (in log P of a thumb up) has learned little, and
its rewards are not blown up to an sd of 1."""
SAME_KIND = 0.35
"""From this closeness on a prompt is of the kind that was voted on, and is practised, not held."""
LED_BY_VOTES, LED_BY_MODEL = "rejection", "rloo"
"""The methods where none is asked for (`bench/RESULTS.md` has how each did)."""


def align(
    chat: Path,
    aligned: Path,
    *,
    prompts: Sequence[str],
    held_out: Sequence[str],
    reward: Path | None = None,
    records: Sequence[Record] | None = None,
    canaries: Canaries | None = None,
    method: str | None = None,
    candidates: Sequence[str] = (),
    config: PolicyConfig | None = None,
    limits: Limits | None = None,
    lead: Lead | None = None,
) -> Iterator[Event]:
    """Train a new version of the model in `chat`, write it to `aligned`/vNNN, and judge it.

    `prompts` are trained on, `held_out` ones and the canaries measured on, along the way and at the
    gate. With records, those of the `candidates` that are most like the prompts voted on are
    practised, too, and some more of them held out. A policy that the gate refuses is taken part of
    the way back to the chat model and measured again. The reward is the model in the folder
    `reward`, or, with `records` (valid thumbs, pairs, edits), what explains them; or whatever
    `lead` makes of the records, for controls.

    Yields `Progress`, `Notice`, `Step` (metrics reward, kl, length, finished, entropy, beta),
    `Evaluation`, `Sample`, and `Finished` with the folder of the version; its metric `promoted` is
    1 or 0.
    """
    if method is None:
        method = LED_BY_VOTES if records else LED_BY_MODEL
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r}. There are: {', '.join(METHODS)}.")
    if reward is None and not records:
        raise TinyLLMError(
            "There is nothing to learn from: no valid feedback and no reward model. Give some "
            "answers a thumb, or train the reward model."
        )
    began = time.monotonic()
    config = config or PolicyConfig()
    limits = limits or (TASTE_LIMITS if records else Limits())
    tokenizer, policy, reference = Tokenizer.load(chat), load_model(chat), load_model(chat)
    reference.requires_grad_(False)
    base = WeighedReward.load(reward) if reward else None
    longest = policy.config.max_position_embeddings - 16
    _, fitting = number_prompts(tokenizer, [r.prompt for r in records or ()], longest=longest)
    usable = [record for record in records or () if record.prompt in fitting]
    if records and len(usable) < len(records):
        yield Notice(
            stage=STAGE,
            text=f"{len(records) - len(usable)} votes are about prompts that are too long for "
            "this model, and are left out.",
        )
    if records and lead is None:
        tell_apart(usable)
    voted = list(fitting)
    more, prompts, held_out = _by_kind(voted, prompts, held_out, candidates, config.practice)
    practised, _ = number_prompts(tokenizer, [*voted, *more], longest=longest)
    asked, numbers = number_prompts(tokenizer, [*voted, *more, *prompts], longest=longest)
    tried, _ = number_prompts(tokenizer, held_out, longest=longest)
    if not asked or not tried:
        raise TinyLLMError(f"Expected prompts of at most {longest} tokens, got none.")
    to_change = len(practised) or len(asked)
    anchor = yield from write_anchor(
        reference,
        [*asked, *tried],
        num_samples=config.reference_samples,
        max_new_tokens=config.max_new_tokens,
        end=tokenizer.end,
        pad=tokenizer.pad,
        seed=config.seed,
        practised=to_change,
        more=_more_rounds(config, to_change) if method == LED_BY_VOTES else 0,
        ends=None if config.seconds is None else began + ANSWERS_SECONDS * config.seconds,
    )
    if records is None:
        assert base is not None
        shaped = ShapedReward(base, anchor)
        votes: dict[str, Any] = {}
    else:
        grounds = Grounds(
            records=usable,
            reference=reference,
            tokenizer=tokenizer,
            anchor=anchor,
            numbers=numbers,
            base=base,
            practised=len(practised),
        )
        if lead is None:
            head, votes = yield from _fit_thumbs(grounds)
        else:
            head, votes = lead(grounds), {}
        # An answer that is imitated has a length that the chat model gave it: none is out of range.
        cost = 0.0 if method == LED_BY_VOTES else 1.0
        shaped = ShapedReward(
            head, anchor, least_sd=LEAST_SPREAD, common_zero=True, length_cost=cost
        )

    def labels() -> Labels:
        if records is None:
            rewards = shaped.judge(anchor.answers, anchor.reading)
            return labels_from_reward(anchor, rewards, range(len(asked)))
        room = policy.config.max_position_embeddings
        return labels_from_records(usable, tokenizer, asked, numbers, longest=room)

    if config.seconds is not None:
        spent = time.monotonic() - began
        left = config.seconds * (1 - GATE_SECONDS) - spent
        config = replace(config, seconds=max(left, 1.0))
    best = yield from learn_policy(
        policy,
        reference,
        tokenizer,
        anchor,
        shaped,
        held_out=range(len(asked), len(asked) + len(tried)),
        practised=to_change,
        limits=limits,
        config=config,
        canaries=canaries,
        method=METHODS[method],
        labels=labels,
    )
    gate = Gate(
        reference,
        tokenizer,
        tried,
        range(len(tried)),
        max_new_tokens=config.max_new_tokens,
        seed=config.seed + 2,
        canaries=canaries,
    )
    for share in (1.0, *SHARES):
        policy.load_state_dict(part_of_the_way(reference, best.weights, share))
        metrics, _ = gate.measure(policy)
        reasons = objections(metrics, limits)
        if not reasons or best.step == 0:
            break
        yield Notice(
            stage=STAGE,
            text=f"At the gate, {share:.0%} of the way from the chat model: {' '.join(reasons)}",
        )
    metrics |= {"reward": best.reward, "best_step": float(best.step), "share": best.share * share}
    yield Evaluation(stage=STAGE, step=best.steps, metrics=metrics)
    if best.step == 0:
        reasons = ["No policy on the way earned more than the chat model within the limits."]
    if (given := votes.get("votes", FEW)) < FEW:
        reasons = [*reasons, f"It was made of {given} votes, and {FEW} are the least."]
    name = next_name(aligned)
    save_model(
        policy,
        tokenizer,
        aligned / name,
        eos=tokenizer.end,
        stage=STAGE,
        method=method,
        chat=sha256(chat),
        reward=sha256(reward) if reward else None,
        records=[record.id for record in records or ()],
        config=asdict(
            replace(
                config,
                steps=best.steps,
                seconds=None,
                stop_after=best.stopped,
                practice_samples=int(anchor.counts[0]),
            )
        ),
        threads=torch.get_num_threads(),
        metrics=metrics,
        promoted=not reasons,
        objections=reasons,
        **votes,
    )
    if reasons:
        used = current(aligned)
        yield Notice(
            stage=STAGE,
            text=f"{name} is kept but not used: {' '.join(reasons)} "
            f"{used.name if used else 'The chat model'} goes on answering.",
        )
    else:
        promote(aligned, name)
    yield Finished(
        stage=STAGE,
        folder=str(aligned / name),
        seconds=time.monotonic() - began,
        metrics={**metrics, "promoted": float(not reasons)},
    )


def _fit_thumbs(grounds: Grounds) -> Generator[Event, None, tuple[Reward, dict[str, Any]]]:
    """The reward that the votes speak for, and what the manifest says about it."""
    head = ThumbReward(grounds)
    told, learned = head.accuracy(), head.learned()
    for text in head.remarks:
        yield Notice(stage=STAGE, text=text)
    yield Notice(stage=STAGE, text=told.sentence)
    names = ", ".join(
        f"{name} ({'for' if pull > 0 else 'against'}, {likely:.0%} sure)"
        for name, likely, pull in learned[:5]
    )
    yield Notice(stage=STAGE, text=f"What probably matters to whoever voted: {names}.")
    did_most = most_influential(head, grounds, least_sd=LEAST_SPREAD)
    about = {
        "votes": len(head.votes),
        "foreseen": asdict(told),
        "learned": learned,
        "influence": [asdict(one) for one in did_most],
    }
    return head, about


def _more_rounds(config: PolicyConfig, practised: int) -> int:
    """How often the chat model answers the prompts practised again, `reference_samples` times each.

    >>> _more_rounds(PolicyConfig(), practised=160), _more_rounds(PolicyConfig(), practised=400)
    (7, 2)
    """
    all_answers = config.practice * config.practice_samples
    samples = min(config.practice_samples, all_answers // max(practised, 1))
    return max(0, samples // config.reference_samples - 1)


def _by_kind(
    voted: Sequence[str],
    prompts: Sequence[str],
    held_out: Sequence[str],
    candidates: Sequence[str],
    practice: int,
) -> tuple[list[str], list[str], list[str]]:
    """What to ask, by whether it is of the kind that was voted on.

    Returns the prompts to practise beside those voted on, up to `practice` together and what
    `prompts` has of the kind; the other `prompts`; and those to try, up to half of them like those
    voted on.
    """
    if not voted:
        return [], list(prompts), list(held_out)
    known = set(held_out)
    room = max(0, practice - len(voted))
    fresh = [prompt for prompt in candidates if prompt not in known]
    alike = most_alike(fresh, voted, room + len(held_out) // 2)
    random.Random(len(alike)).shuffle(alike)
    unseen = alike[room:]
    same = [bool(near >= SAME_KIND) for near in closeness(prompts, voted)]
    more = alike[:room] + list(compress(prompts, same))
    others = [prompt for prompt, of_kind in zip(prompts, same, strict=True) if not of_kind]
    return more, others, [*held_out[: len(held_out) - len(unseen)], *unseen]
