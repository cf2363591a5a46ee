"""Graders of what is true. Every sentence must be a claim that the village can check.

An answer is read as claims: a sentence that fits one of the fact's wordings claims whatever stands
in the answer's place, be it a list of everything. Another true statement may stand beside it, a
sentence that nobody can check may not. Beside a verdict only its reason may stand: "Two plus two is
four" is true, and no reason why one plus two should not be six.
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


def _answered(said: list[str]) -> list[str]:
    """The sentences, a question and the answer to it as one: "Who is afraid? It is Nell."."""
    joined: list[str] = []
    for sentence in said:
        if joined and joined[-1].endswith("?"):
            joined[-1] += f" {sentence}"
        else:
            joined.append(sentence)
    return joined


def grade_fact(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """One claim about what was asked, the right one, and nothing unchecked beside it."""
    fault = form_fault(
        instruction.prompt, completion, finished=finished, most_words=40, may_ask=True
    )
    if fault:
        return failed(*fault)
    fact = WORLD.fact(instruction.labels["fact"])
    right = plain(fact.answer)
    said = _answered(sentences(completion))
    if said[-1].endswith("?"):
        return failed(0.15, "The answer asks instead.")
    answers = {sentence: claimed(fact, sentence) for sentence in said}
    claims = [answer for answer in answers.values() if answer is not None]
    others = [
        sentence
        for sentence, answer in answers.items()
        if answer is None and plain(sentence) not in _true_statements()
    ]
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


def _corrects(fact: Fact, sentence: str) -> bool:
    """Whether the sentence states this very fact; of a sum, with its numbers in either order."""
    first, plus, second = fact.id.removesuffix(".sum").partition("-plus-")
    if plus:
        sentence = plain(sentence).replace(f"{second} plus {first} ", f"{first} plus {second} ")
    return claimed(fact, sentence) == plain(fact.answer)


def grade_true_or_false(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """One verdict, the right one; what is said beside it states the fact that was in question."""
    fault = form_fault(instruction.prompt, completion, finished=finished, most_words=45)
    if fault:
        return failed(*fault)
    fact = WORLD.fact(instruction.labels["fact"])
    verdicts, rest = _verdicts(sentences(completion), instruction.labels["claim"])
    if not verdicts:
        return failed(0.1, "The answer has no verdict.")
    if len(set(verdicts)) > 1:
        return failed(0.1, "The answer says both true and false.")
    right = verdicts[0] == instruction.labels["truth"]
    if not right:
        return failed(0.15, "The verdict is wrong.")
    if not all(_corrects(fact, sentence) for sentence in rest):
        return failed(0.5, "The verdict is right, but what stands beside it is not.")
    return passed("The verdict is right, and so is what stands beside it.")
