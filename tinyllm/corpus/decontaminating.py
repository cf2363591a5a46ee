"""Evaluation prompts must not stand in the training text: a test that was read is no test.

Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C: a text that shares a run of
13 words with a test is contaminated; for tests of short texts it took 8 at least. So a prompt of 8
to 12 words counts as a whole; a shorter one ("The sky is") is ordinary English and not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

from tinyllm.corpus.document import Document, Ledger

DECONTAMINATE_RULE = (
    "A text that holds 13 words in a row of a prompt of the evaluation, or a whole shorter prompt "
    "of 8 words or more, is dropped (after Brown et al. 2020)."
)
LONGEST, SHORTEST = 13, 8
PROMPTS = 2_000
"""So many prompts of each split are looked for; the village's wordings recur well before."""

_WORD = re.compile(r"\w+")


class Overlap:
    """Finds runs of words that a set of prompts has.

    >>> overlap = Overlap(["We say that the opposite of wet is"])
    >>> overlap.of("At school we say that the opposite of wet is dry."), overlap.of("Wet is wet.")
    (True, False)
    """

    def __init__(self, prompts: Iterable[str]) -> None:
        self._runs: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for prompt in prompts:
            words = _WORD.findall(prompt.casefold())
            if len(words) < SHORTEST:
                continue
            size = min(LONGEST, len(words))
            for start in range(len(words) - size + 1):
                run = tuple(words[start : start + size])
                self._runs.setdefault(run[:SHORTEST], set()).add(run)

    def of(self, text: str) -> bool:
        """Whether the text has one of the runs."""
        words = _WORD.findall(text.casefold())
        for start, head in enumerate(zip(*(words[i:] for i in range(SHORTEST)))):
            for run in self._runs.get(head, ()):
                if tuple(words[start : start + len(run)]) == run:
                    return True
        return False


@cache
def evaluation_overlap() -> Overlap:
    """The overlap with what `tinyllm evaluate` asks: instructions of both splits, and probes."""
    from tinyllm.village import PROBES, instructions

    prompts = [probe.prompt for probe in PROBES]
    for split in ("seen", "new"):
        prompts += [one.prompt for one in islice(instructions(split=split, seed=0), PROMPTS)]
    return Overlap(prompts)


def decontaminate(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Drop what holds a prompt of the evaluation.

    >>> text = "In a picture, the colour of the sky is blue."
    >>> ledger = Ledger("decontaminate", DECONTAMINATE_RULE)
    >>> list(decontaminate(iter([Document(text=text, id="a")]), ledger)), dict(ledger.dropped)
    ([], {'holds a prompt of the evaluation': 1})
    """
    for document in documents:
        if ledger.judges(document) and evaluation_overlap().of(document.text):
            ledger.drop(document, "holds a prompt of the evaluation")
        else:
            yield ledger.keep(document)
