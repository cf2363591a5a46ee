"""Reading an answer: its sentences, its words, and what no answer may do, whatever was asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTENCE = re.compile(r"[^.!?]*[.!?]+[\"')]*|[^.!?]+$")
_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z]+)*")
_MARKS = re.compile(r"[<>|{}\[\]*_#\\\n]")
_STUTTER = re.compile(r"\b(\w+(?: \w+){0,3}) \1 \1\b")
_NO_NOUN = (
    "a|an|the|and|or|but|of|in|at|on|to|by|for|with|from|is|was|were|are|had|has|did|do|does|he|she|"
    "it|they|you|we|so|then|not"
)
_BROKEN = re.compile(rf"\b(?:a|an|the) (?:{_NO_NOUN})\b")
"""An article before a word that is nothing to have one."""
_DANGLING = frozenset(
    (
        *("a", "an", "the", "and", "or", "but", "my", "your", "our", "their"),
        *("as", "if", "because", "very", "than", "into"),
    )
)
"""Words after which a sentence must go on."""


@dataclass(frozen=True)
class Grade:
    """What a grader thinks of an answer: `score` in [0, 1] is 1.0 exactly if `passed`.

    >>> Grade(True, 1.0, "right").passed
    True
    """

    passed: bool
    score: float
    reason: str

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1 or (self.score == 1) != self.passed:
            raise ValueError(
                f"Expected a score in [0, 1] that is 1.0 exactly if passed; got {self.score}."
            )


def passed(reason: str) -> Grade:
    """Full marks."""
    return Grade(True, 1.0, reason)


def failed(score: float, reason: str) -> Grade:
    """Part of the marks, below 1.0, which only rank failures."""
    return Grade(False, min(score, 0.9), reason)


def sentences(text: str) -> list[str]:
    """The sentences, each with its full stop.

    >>> sentences("Hello, Nell! It is late.")
    ['Hello, Nell!', 'It is late.']
    """
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]


def words(text: str) -> list[str]:
    """The words in lower case, without punctuation.

    >>> words("The donkey's tail, please!")
    ['the', "donkey's", 'tail', 'please']
    """
    return _WORD.findall(text.lower())


def plain(text: str) -> str:
    """Words with single spaces: two sentences are the same if this is.

    >>> plain(" Yes,  Tom. ")
    'yes tom'
    """
    return " ".join(words(text))


def mentions(text: str, name: str) -> int:
    """How often the name stands in the text as words of its own.

    >>> mentions("The hat of Ada has a hat band.", "hat"), mentions("that", "hat")
    (2, 0)
    """
    return f" {plain(text)} ".replace(" ", "  ").count(f" {plain(name)} ".replace(" ", "  "))


def form_fault(
    prompt: str, completion: str, *, finished: bool, most_words: int, may_ask: bool = False
) -> tuple[float, str] | None:
    """What is wrong with the form of any answer, as (score, reason), or None.

    An answer is not empty, ends, ends in a full stop, is not endless, says nothing twice and does
    not give the question back. Its sentences are whole, and none asks unless the answer `may_ask`.
    Small letters and a comma more or less are forgiven.
    """
    said = [plain(sentence) for sentence in sentences(completion)]
    if not any(said):
        return 0.0, "The answer is empty."
    if not finished:
        return 0.1, "The answer was cut off before its end."
    if completion.rstrip()[-1] not in ".!?\"'":
        return 0.15, "The answer stops in the middle of a sentence."
    if len(words(completion)) > most_words:
        return 0.1, f"The answer has more than {most_words} words."
    if len(set(said)) < len(said):
        return 0.1, "The answer says a sentence twice."
    broken = _broken(completion, said)
    if broken:
        return 0.1, broken
    if not may_ask and any(sentence.endswith("?") for sentence in sentences(completion)):
        return 0.15, "The answer asks instead."
    asked = {plain(sentence) for sentence in sentences(prompt)}
    again, length = f" {plain(completion)} ".find(f" {plain(prompt)} "), len(words(prompt))
    if (again == 0 and length > 2) or (again > 0 and length > 3):
        return 0.05, "The answer repeats the question."
    if all(sentence in asked for sentence in said):
        return 0.05, "The answer only gives the question back."
    return None


def _broken(completion: str, said: list[str]) -> str | None:
    """Why these are no sentences, or None; `said` are the sentences in plain words."""
    if _MARKS.search(completion.strip()):
        return "The answer has marks that no sentence has."
    if 2 * completion.count(",") > len(words(completion)):
        return "The answer is a list of words."
    if _STUTTER.search(plain(completion)):
        return "The answer stutters."
    clauses = [plain(clause) for clause in re.split(r"[,.!?:;]| and ", completion)]
    clauses = [clause for clause in clauses if len(clause.split()) > 1]
    if len(set(clauses)) < len(clauses):
        return "The answer says something twice."
    for sentence in said:
        if _BROKEN.search(sentence) or set(sentence.split()[-1:]) & _DANGLING:
            return f"This is no whole sentence: {sentence}."
    return None
