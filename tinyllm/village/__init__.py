"""The embedded language: a small village that writes text we can grade.

The world (`WORLD`) is constant; `write` draws documents about it and counts their bits;
`check_consistency` reads whether a text remembers what it said; `instructions`, `grade` and
`preferences` are for the stages after pretraining, `PROBES` asks a base model what it knows.
"""

from __future__ import annotations

from tinyllm.village.consistency import CHECKS, check_consistency, checks_for
from tinyllm.village.grading import Grade, grade
from tinyllm.village.grading_safety import refuses
from tinyllm.village.instructions import (
    GROUPS,
    INSTRUCTION_KINDS,
    Instruction,
    chat_examples,
    instructions,
)
from tinyllm.village.preferences import Preference, preferences
from tinyllm.village.probes import PROBES, SKY, Probe
from tinyllm.village.villagers import Villager, read_villagers
from tinyllm.village.world import WORLD, World
from tinyllm.village.writing import KINDS, Document, lines, write

__all__ = [
    "CHECKS",
    "GROUPS",
    "INSTRUCTION_KINDS",
    "KINDS",
    "PROBES",
    "SKY",
    "WORLD",
    "Document",
    "Grade",
    "Instruction",
    "Preference",
    "Probe",
    "Villager",
    "World",
    "chat_examples",
    "check_consistency",
    "checks_for",
    "grade",
    "instructions",
    "lines",
    "preferences",
    "read_villagers",
    "refuses",
    "write",
]
