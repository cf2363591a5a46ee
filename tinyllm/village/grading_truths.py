"""Graders of what is true. Every sentence must be a claim that the village can check.

An answer is read as claims: a sentence that fits one of the fact's wordings claims whatever stands
in the answer's place, be it a list of everything. Another true statement may stand beside it, a
sentence that nobody can check may not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from tinyllm.village.grading_text import Grade, failed, form_fault, passed, plain, sentences
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.world import WORLD, Fact

_VERDICTS = {
    **dict.fromkeys(
        ("true", "that is true", "it is true", "this is true", "so that is true"), True
    ),
    **dict.fromkeys(("yes", "yes that is true", "that is right", "yes that is right"), True),
    **dict.fromkeys(("so it is true", "yes it is true", "right", "it is right"), True),
    **dict.fromkeys(("false", "that is false", "it is false", "this is false"), False),
    **dict.fromkeys(("so that is false", "no", "no that is false", "that is not true"), False),
    **dict.fromkeys(("so it is false", "no it is false", "no that is not true"), False),
    **dict.fromkeys(("that is wrong", "no that is wrong", "that is not right"), False),
}


@cache
def _claim_patterns(fact: Fact) -> tuple[re.Pattern[str], ...]:
    """The fact's wordings with the answer open, with the subject's name or its pronoun."""
    forms = [plain(form) for form in fact.state("qqq")]
    subject = plain(fact.subject)
    forms += [
        f"{_pronoun(fact)}{form.removeprefix(subject)}"
        for form in forms
        if form.startswith(f"{subject} ")
    ]
    filled = (form.replace("qqq", _OPEN, 1).replace("qqq", "(?P=answer)") for form in forms)
    return tuple(re.compile(f"^{form}$") for form in dict.fromkeys(filled))


_OPEN = "(?:(?:in|at|on|by) )?(?P<answer>.+)"
_SHORT = re.compile(f"^(?:it is |they are |the answer is |it has )?{_OPEN}$")


def _pronoun(fact: Fact) -> str:
    known = {person.name: person.he for person in WORLD.people}
    known |= {animal.name: animal.he for animal in WORLD.animals}
    return known.get(fact.subject, "(?:it|they)")


@cache
def _true_statements() -> dict[str, str]:
    """Every true statement of the village, as plain words, with the fact's id."""
    return {plain(text): fact.id for fact in WORLD.facts for text in fact.statements}


def claimed(fact: Fact, sentence: str) -> str | None:
    """What the sentence claims the fact's answer to be, as plain words; None if it is about
    something else.

    >>> fear = WORLD.fact("nell.fear")
    >>> claimed(fear, "Nell is afraid of geese and mice."), claimed(fear, "Nell likes plums.")
    ('geese and mice', None)
    """
    text = plain(sentence)
    matches = (pattern.match(text) for pattern in _claim_patterns(fact))
    answers = [match["answer"] for match in matches if match]
    short = _SHORT.match(text)
    if short and short["answer"] in _candidates(fact):
        answers.append(short["answer"])
    right = plain(fact.answer)
    return right if right in answers else next(iter(answers), None)


@cache
def _candidates(fact: Fact) -> frozenset[str]:
    return frozenset(plain(answer) for answer in (fact.answer, *fact.false_answers))


def _weigh(fact: Fact, said: list[str]) -> tuple[list[str], list[str]]:
    """The claims about the fact, and the sentences that are neither such a claim nor true."""
    claims, others = [], []
    for sentence in said:
        answer = claimed(fact, sentence)
        if answer is not None:
            claims.append(answer)
        elif plain(sentence) not in _true_statements():
            others.append(sentence)
    return claims, others


def grade_fact(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """One claim about what was asked, the right one, and nothing unchecked beside it."""
    fault = form_fault(instruction.prompt, completion, finished=finished, most_words=40)
    if fault:
        return failed(*fault)
    fact = WORLD.fact(instruction.labels["fact"])
    right = plain(fact.answer)
    claims, others = _weigh(fact, sentences(completion))
    if not claims:
        return failed(0.1, "Nothing in the answer is a claim about what was asked.")
    if others:
        return failed(0.25, f"Nobody can check this, or it is false: {others[0]}")
    if len(claims) > 1:
        return failed(0.3, "The answer makes more than one claim about what was asked.")
    if claims[0] != right:
        return failed(0.2, f"The answer claims {claims[0]!r}; true is {right!r}.")
    return passed("One claim, and it is right.")


def _verdicts_on(claim: str) -> dict[str, bool]:
    """What can be said of a claim, as plain words."""
    named = {
        f"{so}{plain(claim)} is {word}": value
        for so in ("", "so ")
        for word, value in (("true", True), ("right", True), ("false", False), ("wrong", False))
    }
    return _VERDICTS | named


def _clauses(sentence: str, known: Mapping[str, bool]) -> list[str]:
    """A sentence in parts where a verdict begins or ends, and nowhere else: "When summer is over,
    it is autumn" is one statement."""
    clauses: list[str] = []
    for part in re.split(r"[,:] (?=so |it is |that is )", sentence):
        if clauses and not {plain(part), plain(clauses[-1])} & known.keys():
            clauses[-1] += f", {part}"
        else:
            clauses.append(part)
    return clauses


def _verdicts(said: list[str], claim: str) -> tuple[list[bool], list[str]]:
    """The verdicts on the claim, and what stands beside them."""
    known = _verdicts_on(claim)
    verdicts: list[bool] = []
    rest: list[str] = []
    for sentence in said:
        for clause in _clauses(sentence, known):
            text = plain(clause)
            opening = text.split(" ")[0]
            if text in known:
                verdicts.append(known[text])
            elif opening in ("yes", "no", "true", "false"):
                verdicts.append(known[opening])
                rest.append(text.removeprefix(opening))
            else:
                rest.append(clause)
    return verdicts, rest


def grade_true_or_false(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """One verdict, the right one; what is said beside it is true and about the matter."""
    fault = form_fault(instruction.prompt, completion, finished=finished, most_words=45)
    if fault:
        return failed(*fault)
    fact = WORLD.fact(instruction.labels["fact"])
    verdicts, rest = _verdicts(sentences(completion), instruction.labels["claim"])
    claims, others = _weigh(fact, rest)
    if not verdicts:
        return failed(0.1, "The answer has no verdict.")
    if len(set(verdicts)) > 1:
        return failed(0.1, "The answer says both true and false.")
    right = verdicts[0] == instruction.labels["truth"]
    if not right:
        return failed(0.15, "The verdict is wrong.")
    if others or any(claim != plain(fact.answer) for claim in claims):
        return failed(0.5, "The verdict is right, but what stands beside it is not.")
    return passed("The verdict is right, and so is what stands beside it.")
