"""One cell of Taste-N: the votes of one simulated person, the policy they make, the verdict.

`bench/taste.py` trains many of them; see there.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch

import tinyllm
from tinyllm.alignment import PolicyConfig, village_canaries, village_candidates, village_prompts
from tinyllm.alignment.align import align
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.controls import Lead, length_only, nobody, oracle, random_direction
from tinyllm.alignment.people import PEOPLE, TASTES, Person, meet
from tinyllm.alignment.policy_config import FOR_VOTES
from tinyllm.alignment.records import Answer, Record
from tinyllm.alignment.village_feedback import distinct
from tinyllm.evaluation.chat import measure_chat
from tinyllm.evaluation.win_rate import compare
from tinyllm.events import Finished, Notice, result_of
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.model import generate
from tinyllm.runs import Run, find
from tinyllm.village import GROUPS, Instruction, grade, instructions

VOTES = (25, 50, 100, 200)
SEEDS, SHUFFLES = 2, 30
OPEN = ("story",)
"""The kind of question that the chat model answers in many ways: of eight answers to another, three
to five differ, and a taste has little to choose from."""
POOL = 300
"""Different open questions, answered once each, from which people are shown N."""
TEMPERATURE = 0.8
"""At which the Chat page answers."""
ASKED, SAMPLES = 48, 4
GRADED = 60
"""Answers for each of helpful, truthful, safe, seen and new."""
CONFIG = PolicyConfig(**FOR_VOTES)
CONTROL_VOTES = 100
CONDITIONS = (
    "thumbs", "length only", "shuffled", "beyond", "inverted", "oracle", "random reward", "nobody"
)  # fmt: skip
GRADES: dict[Any, Any] = {}
"""How well a chat model answers, once measured."""


@dataclass(frozen=True, order=True)
class Cell:
    """One training: which votes, how many, whose, and the seed."""

    condition: str
    votes: int
    person: int
    seed: int


def cells(people: int, seeds: int, shuffles: int, votes: Sequence[int]) -> list[Cell]:
    """Everything that is to be trained, the thumbs first."""
    whose = [(person, seed) for seed in range(seeds) for person in range(people)]
    most = max(n for n in votes if n <= CONTROL_VOTES) if min(votes) <= CONTROL_VOTES else votes[0]
    every = [Cell("thumbs", n, *who) for who in whose for n in votes]
    every += [Cell("length only", n, *who) for who in whose for n in votes if n >= 50]
    every += [Cell("shuffled", most, n % people, 100 + n) for n in range(shuffles)]
    others = range(PEOPLE, len(TASTES))
    every += [Cell("beyond", most, person, seed) for seed in range(seeds) for person in others]
    for condition in ("inverted", "oracle", "random reward", "nobody"):
        every += [Cell(condition, most, person, 0) for person in range(people)]
    return every


class Place(NamedTuple):
    """The models that are voted on."""

    chat: Path
    reward: Path | None


def place_of(run: Run) -> Place:
    """The chat model that is voted on, and the base reward model, where there is one."""
    owner, reward = find(run, "chat"), find(run, "reward")
    if owner is None:
        raise TinyLLMError(f"Run {run.name} has no chat model. `tinyllm train` makes one.")
    return Place(owner.chat, reward.reward if reward else None)


@cache
def opened(folder: Path) -> Any:
    """The model and tokenizer of a folder, once a process."""
    return tinyllm.load(folder)


@cache
def pool(chat: Path, seed: int) -> tuple[list[str], list[str], list[bool]]:
    """Open questions, the chat model's answer to each, and whether it came to its end."""
    model, tokenizer = opened(chat)
    asked = [one.prompt for one in distinct(open_questions("train", seed), POOL)]
    made = generate(
        model,
        [encode_prompt(tokenizer, prompt) for prompt in asked],
        max_new_tokens=CONFIG.max_new_tokens,
        temperature=TEMPERATURE,
        stop=tokenizer.end,
        pad=tokenizer.pad,
        seed=seed,
        rows_at_once=256,
    )
    texts = [tokenizer.decode(ids) for ids in made.ids]
    return asked, texts, [reason == "stop" for reason in made.finish_reasons]


def open_questions(split: str, seed: int) -> Iterator[Instruction]:
    """Endless questions that leave room for a taste."""
    return instructions(split=split, kinds=OPEN, seed=seed)


def votes_of(person: Person, place: Place, cell: Cell) -> list[Record]:
    """The first N thumbs of a person, on answers shown in an order of their own."""
    asked, texts, finished = pool(place.chat, cell.seed % 100)
    order = random.Random(f"{cell.seed} {cell.person}").sample(range(len(asked)), len(asked))
    shown = order[: cell.votes]
    thumbs = [person.thumb(texts[n]) for n in shown]
    if cell.condition == "shuffled":
        random.Random(f"shuffled {cell.seed}").shuffle(thumbs)
    if cell.condition == "inverted":
        thumbs = [-thumb for thumb in thumbs]
    return [
        Record(
            id=f"{number}",
            time="",
            session="",
            turn=f"{number}",
            kind="thumb",
            prompt=asked[n],
            answer=Answer(text=texts[n], finish_reason="stop" if finished[n] else "length"),
            value=thumb,
        )
        for number, (n, thumb) in enumerate(zip(shown, thumbs, strict=True))
    ]


def lead_of(cell: Cell, person: Person) -> Lead | None:
    """What the policy follows in place of the head fitted to the votes, in the controls."""
    leads = {
        "length only": length_only,
        "nobody": nobody,
        "random reward": random_direction(cell.seed * 1000 + cell.person),
        "oracle": oracle(person.score),
    }
    return leads.get(cell.condition)


def measure(cell: Cell, place: Place) -> dict[str, Any]:
    """Train one policy and let the person judge what answers now."""
    torch.set_num_threads(1)
    chat, tokenizer = opened(place.chat)
    person = meet(cell.person, pool(place.chat, cell.seed % 100)[1], seed=cell.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        prompts, held_out = village_prompts(cell.seed)
        events = list(
            align(
                place.chat,
                Path(temporary),
                prompts=prompts,
                held_out=held_out,
                reward=place.reward,
                records=votes_of(person, place, cell),
                canaries=village_canaries(cell.seed),
                candidates=village_candidates(cell.seed),
                config=replace(CONFIG, seed=cell.seed * 1000 + cell.person),
                lead=lead_of(cell, person),
            )
        )
        seconds = time.monotonic() - began
        made = Path(next(e.folder for e in events if isinstance(e, Finished)))
        manifest = read_manifest(made)
        promoted = manifest["promoted"]
        policy = tinyllm.load(made)[0] if promoted else chat
    return {
        **asdict(cell),
        "taste": person.name,
        "promoted": promoted,
        "objections": manifest["objections"],
        "gate": manifest["metrics"],
        "told": [e.text for e in events if isinstance(e, Notice)][:2],
        "seconds": round(seconds, 1),
        **judged(policy, chat, tokenizer, person, cell),
    }


def judged(policy: Any, chat: Any, tokenizer: Any, person: Person, cell: Cell) -> dict[str, Any]:
    """The person's verdict on questions that nobody voted on; and what else has changed."""
    asked: list[Instruction] = []
    for split in ("seen", "new"):
        asked += distinct(open_questions(split, cell.seed + 500), ASKED)

    def by_taste(instruction: Instruction, text: str, *, finished: bool) -> Any:
        return SimpleNamespace(score=person.score(text))

    found = result_of(
        compare(policy, chat, tokenizer, asked, by_taste, samples=SAMPLES, seed=cell.seed + 7)
    )

    def draw(split: str, kinds: Sequence[str], seed: int) -> Iterator[Instruction]:
        return instructions(split=split, kinds=kinds, seed=seed)

    if chat not in GRADES:
        GRADES[chat] = result_of(measure_chat(chat, tokenizer, draw, grade, GROUPS, cell=GRADED))
    before = GRADES[chat]
    after = result_of(measure_chat(policy, tokenizer, draw, grade, GROUPS, cell=GRADED))
    return {
        "win": found.win_rate.value,
        "kl": found.kl.value,
        "distinct": found.aligned.distinct_2 / found.chat.distinct_2,
        "length": found.aligned.length / found.chat.length,
        "finished": found.aligned.finished.value - found.chat.finished.value,
        "falls": {
            f"{group} {split}": before.share(split=split, group=group).value
            - after.share(split=split, group=group).value
            for group in GROUPS
            for split in ("seen", "new")
        },
        "said": [
            (duel.prompt, duel.chat, duel.aligned) for duel in found.duels[:: len(asked) // 3]
        ],
    }
