"""The grader of small talk: an answer of the right kind, about what was mentioned."""

from __future__ import annotations

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
from tinyllm.village.instruction_talk import TOPIC, TOPICS, VALUES


def grade_talk(instruction: Instruction, completion: str, finished: bool) -> Grade:
    """On the topic and on no other, about what was named and nothing else of its sort."""
    fault = form_fault(instruction.prompt, completion, finished=finished, most_words=30)
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
    return passed(f"The answer fits: {topic.name}.")


def _is_a_list(completion: str) -> bool:
    """Whether the same word comes three times, which small talk never does."""
    said = plain(completion).split()
    return any(said.count(word) > 2 for word in set(said) if len(word) > 3)
