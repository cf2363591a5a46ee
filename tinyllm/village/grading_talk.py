"""The grader of small talk: an answer of the right kind, about what was mentioned."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

from tinyllm.village.grading_text import (
    Grade,
    failed,
    form_fault,
    mentions,
    passed,
    plain,
    sentences,
    words,
)
from tinyllm.village.instruction_content import Instruction
from tinyllm.village.instruction_talk import TOPIC, TOPICS, VALUES, Topic, fill

_EVERYDAY = frozenset(
    words(
        "a an the and is are am was it i you me my your we us our this that to at in on by of for "
        "from with very so too just how what good nice fine lovely great happy glad dear friend "
        "today now soon please thank thanks have had do did like there here them they"
    )
)
"""What one may say about anything; no word that denies or doubts."""


def grade_talk(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """On the topic and on no other, about what was named and nothing else of its sort."""
    fault = form_fault(
        instruction.prompt, completion, finished=finished, most_words=30, may_ask=True
    )
    if fault:
        return failed(*fault)
    topic, named = TOPIC[instruction.labels["topic"]], instruction.labels["named"]
    if len(words(completion)) < 3 or len(sentences(completion)) > 3:
        return failed(0.2, "Small talk is three words at least and three sentences at most.")
    if not any(mentions(completion, cue) for cue in topic.cues):
        return failed(0.1, f"The answer does not fit the topic: {topic.name}.")
    strange = [
        other.name
        for other in TOPICS
        if other is not topic
        and any(mentions(completion, cue) for cue in other.cues if cue not in topic.cues)
    ]
    if strange:
        return failed(0.3, f"The answer also talks of something else: {strange[0]}.")
    if topic.slot:
        about = [value for value in VALUES[topic.slot] if mentions(completion, value)]
        if named not in about:
            return failed(0.5, f"The answer does not take up what was mentioned: {named}.")
        if len(about) > 1:
            return failed(0.3, "The answer brings in something that nobody mentioned.")
    if _is_a_list(completion):
        return failed(0.2, "The answer is a list of words.")
    for sentence in sentences(completion):
        if not _belongs(sentence, topic, named):
            return failed(0.4, f"Nobody says this about {topic.name}: {sentence}")
    return passed(f"The answer fits: {topic.name}.")


@cache
def _said_of(topic: Topic, named: str) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """The words of the topic's answers, and those that stand next to each other in them, the first
    of a sentence next to nothing."""
    answers = [fill(answer, named) for answer in (*topic.answers, *topic.hasty)]
    said = [words(sentence) for answer in answers for sentence in sentences(answer)]
    known = frozenset(word for sentence in said for word in sentence)
    pairs = (pair for sentence in said for pair in pairwise(["", *sentence]))
    return known | _EVERYDAY, frozenset(pairs)


def _belongs(sentence: str, topic: Topic, named: str) -> bool:
    """Whether one may say this sentence: in the words of the topic and everyday words, at least
    half of them in the order in which the topic has them; a word alone is one that begins."""
    said, (known, neighbours) = ["", *words(sentence)], _said_of(topic, named)
    pairs = list(pairwise(said))[len(said) > 2 :]
    return set(said[1:]) <= known and 2 * sum(pair in neighbours for pair in pairs) >= len(pairs)


def _is_a_list(completion: str) -> bool:
    """Whether the same word comes three times, which small talk never does."""
    said = plain(completion).split()
    return any(said.count(word) > 2 for word in set(said) if len(word) > 3)
