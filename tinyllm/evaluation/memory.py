"""How much of what it has just read does a model remember? It goes on with texts that stop."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tinyllm.evaluation.intervals import Interval, wilson
from tinyllm.evaluation.writing import write
from tinyllm.events import Progress
from tinyllm.model import Transformer
from tinyllm.tokens import Tokenizer

TOKENS = 48
"""So much is written of each: the two gifts of a favour take 20 to 40 tokens."""


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

    >>> from tinyllm.events import result_of
    >>> from tinyllm.model import ModelConfig
    >>> from tinyllm.village.memory import Memory
    >>> bytewise = Tokenizer.from_merges([])
    >>> fresh = Transformer(ModelConfig(vocab_size=bytewise.vocab_size))
    >>> asked = [Memory(kind="who_has", prompt="Who has it?", answer="Nell")]
    >>> result_of(measure_memory(fresh, bytewise, asked)).shares["who_has"].value
    0.0
    """
    asked = list(memories)
    start = tokenizer.end_of_text
    written = yield from write(
        model,
        [[start, *tokenizer.encode(memory.prompt)] for memory in asked],
        stop={start, tokenizer.end},
        temperature=0.0,
        max_new_tokens=TOKENS,
        pad=tokenizer.pad,
        stage=stage,
        note="what it remembers",
    )
    said = [tokenizer.decode(one.ids) for one in written]
    right = [memory.holds(text) for memory, text in zip(asked, said, strict=True)]
    return Recollections(
        shares=_shares(asked, right),
        said=tuple(
            (memory.prompt, text, yes) for memory, text, yes in zip(asked, said, right, strict=True)
        ),
    )


def _shares(asked: Sequence[Memory], right: Sequence[bool]) -> dict[str, Interval]:
    kinds = sorted({memory.kind for memory in asked})
    by_kind = {
        kind: [yes for memory, yes in zip(asked, right, strict=True) if memory.kind == kind]
        for kind in kinds
    }
    return {kind: wilson(sum(answers), len(answers)) for kind, answers in by_kind.items()}
