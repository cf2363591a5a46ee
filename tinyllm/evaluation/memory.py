"""How much of what it has just read does a model remember? It goes on with texts that stop."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tinyllm.evaluation.intervals import Interval, wilson
from tinyllm.events import Progress
from tinyllm.model import Transformer, generate
from tinyllm.tokens import Tokenizer

TOKENS = 48
"""So much is written of each: the two gifts of a favour take 20 to 40 tokens."""
ROWS = 128


class Memory(Protocol):
    """A text that stops where something must be recalled."""

    @property
    def kind(self) -> str:
        """What sort of memory it asks for."""
        ...

    @property
    def prompt(self) -> str:
        """The text."""
        ...

    def holds(self, completion: str, /) -> bool:
        """Whether this is the right way to go on."""
        ...


@dataclass(frozen=True, kw_only=True)
class Recollections:
    """The share that was recalled, by kind of memory, and what was said."""

    shares: Mapping[str, Interval]
    said: tuple[tuple[str, str, bool], ...]
    """Prompt, completion and whether it is right."""


def measure_memory(
    model: Transformer,
    tokenizer: Tokenizer,
    memories: Iterable[Memory],
    *,
    stage: str = "base",
) -> Generator[Progress, None, Recollections]:
    """Go on with each text, greedily, and see whether what must come comes.

    >>> from tinyllm.evaluation.progress import result_of
    >>> from tinyllm.model import ModelConfig
    >>> from tinyllm.village.memory import Memory
    >>> bytewise = Tokenizer.from_merges([])
    >>> fresh = Transformer(ModelConfig(vocab_size=bytewise.vocab_size))
    >>> asked = [Memory(kind="who_has", prompt="Who has it?", answer="Nell")]
    >>> result_of(measure_memory(fresh, bytewise, asked)).shares["who_has"].value
    0.0
    """
    asked = sorted(memories, key=lambda memory: len(memory.prompt))
    start = tokenizer.end_of_text
    prompts = [[start, *tokenizer.encode(memory.prompt)] for memory in asked]
    said: list[tuple[str, str, bool]] = []
    for first in range(0, len(asked), ROWS):
        written = generate(
            model,
            prompts[first : first + ROWS],
            max_new_tokens=TOKENS,
            stop={start, tokenizer.end},
            temperature=0.0,
            pad=tokenizer.pad,
        )
        for memory, ids in zip(asked[first:], written.ids):
            completion = tokenizer.decode(ids)
            said.append((memory.prompt, completion, memory.holds(completion)))
        yield Progress(
            stage=stage, done=len(said), total=len(asked), unit="texts", note="what it remembers"
        )
    return Recollections(shares=_shares(asked, [right for *_, right in said]), said=tuple(said))


def _shares(asked: Sequence[Memory], right: Sequence[bool]) -> dict[str, Interval]:
    kinds = sorted({memory.kind for memory in asked})
    by_kind = {
        kind: [yes for memory, yes in zip(asked, right, strict=True) if memory.kind == kind]
        for kind in kinds
    }
    return {kind: wilson(sum(answers), len(answers)) for kind, answers in by_kind.items()}
