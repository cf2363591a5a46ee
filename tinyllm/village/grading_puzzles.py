"""Graders of the two puzzles: one holder, one number, and a working that is right."""

from __future__ import annotations

import re

from tinyllm.village.grading_text import (
    Grade,
    failed,
    form_fault,
    mentions,
    passed,
    plain,
    sentences,
)
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.world import NUMBERS, WORLD

_BEINGS = (*(person.name for person in WORLD.people), *(animal.name for animal in WORLD.animals))
_LATER = r"(?: now| at the end| today| in the end| still)?"
_ADJECTIVES = "|".join(sorted({word for thing in WORLD.things for word in thing.adjectives}))


def grade_who_has(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """One sentence that names one holder, the right one."""
    fault = form_fault(instruction.prompt, completion, finished=finished, most_words=20)
    if fault:
        return failed(*fault)
    holder, thing = instruction.labels["holder"], instruction.labels["thing"]
    named = [name for name in _BEINGS if mentions(completion, name)]
    said = sentences(completion)
    was = "|".join(re.findall(rf"\b({_ADJECTIVES}) {thing}\b", plain(instruction.prompt)))
    it = rf"(?:it|the (?:(?:{was or _ADJECTIVES}) )?{thing})"
    who = r"(?P<who>.+?)"
    forms = (
        rf"(?:(?:so|now|at the end|in the end|it is) )?{who} (?:who )?(?:has|holds|is holding|"
        rf"has got) {it}{_LATER}",
        rf"(?:so |now )?{it} is (?:now )?(?:with|in the hands of) {who}{_LATER}",
        rf"(?:it is )?{who}(?: has| does)?{_LATER}",
    )
    if not named:
        return failed(0.1, "The answer names nobody.")
    if len(named) > 1:
        return failed(0.15, "The answer names more than one.")
    if len(said) > 1:
        return failed(0.3, "The answer is more than the one sentence that was asked for.")
    claims = [match["who"] for form in forms if (match := re.fullmatch(form, plain(said[0])))]
    if plain(named[0]) not in claims:
        return failed(0.15, "The answer does not say who has it.")
    if named[0] != holder:
        return failed(0.25, f"The answer says {named[0]}; it is {holder}.")
    return passed(f"{holder} has the {thing}.")


_NUMBER = "|".join(("no", "none", *NUMBERS, "eleven", "twelve"))
_SUM = re.compile(
    rf"(?P<a>{_NUMBER}) (?P<sign>plus|and|minus|take away) (?P<b>{_NUMBER}) "
    rf"(?:is|are|makes|make|leaves|leave) (?P<c>{_NUMBER})"
)


def grade_counting(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """One number as the answer, the right one; a working beside it must be right."""
    fault = form_fault(instruction.prompt, completion, finished=finished, most_words=30)
    if fault:
        return failed(*fault)
    answers: list[str] = []
    for sentence in sentences(completion):
        for clause in re.split(r", (?=so )", sentence):
            text = plain(clause).removeprefix("so ").removeprefix("we know that ")
            working = _SUM.fullmatch(text)
            if working and not _is_right(working):
                return failed(0.2, f"The working is wrong: {text}.")
            if working and working["c"] != instruction.labels["number"]:
                return failed(0.2, f"This is the working of something else: {text}.")
            if working:
                continue
            number = _answer(instruction, text)
            if number is None:
                return failed(0.1, f"This is no number of what was asked for: {text}.")
            answers.append(number)
    if not answers:
        return failed(0.3, "There is a working but no answer.")
    if len(answers) > 1:
        return failed(0.15, "The answer gives more than one number.")
    right = instruction.labels["number"]
    if answers[0] != right:
        return failed(0.25, f"The answer says {answers[0]}; it is {right}.")
    return passed(f"It is {right}.")


def _is_right(working: re.Match[str]) -> bool:
    a, b, c = (_value(working[name]) for name in "abc")
    return (a + b if working["sign"] in ("plus", "and") else a - b) == c


def _value(number: str) -> int:
    numbers = {"no": 0, "none": 0, "eleven": 11, "twelve": 12}
    return numbers[number] if number in numbers else NUMBERS.index(number)


def _answer(instruction: Instruction, text: str) -> str | None:
    """The number that the clause gives as the answer, if it is about what was asked."""
    one, many = instruction.labels["what"]
    who = plain(instruction.labels["who"])
    pronoun = WORLD.person(instruction.labels["who"]).he if who else ""
    what = rf"(?P<what> {one}| {many})?"
    place = rf"(?: {instruction.labels['there']})?" if instruction.labels.get("there") else ""
    owner = rf"(?:now )?(?:{who}|{pronoun}) (?:now )?(?:has|has got|gets) " if who else "(?!)"
    forms = (
        rf"{owner}(?P<n>{_NUMBER}){what}(?: left| in all)?{_LATER}",
        rf"(?:now )?(?:there (?:are|is)|that makes|it is|that is|they are|the answer is) "
        rf"(?P<n>{_NUMBER}){what}{place}(?: left| in all)?{_LATER}",
        rf"(?P<n>{_NUMBER}){what}",
    )
    for form in forms:
        match = re.fullmatch(form, text)
        if match:
            named = (match["what"] or "").strip()
            agrees = not named or named == (one if match["n"] == "one" else many)
            return match["n"] if agrees else None
    return None
