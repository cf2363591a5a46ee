"""What people wrote for the village: the sentences of its plots and its lists, in `plots/*.toml`.

An author writes sentences once, with slots for the world (`{hero}`), choices (`[ran|walked]`) and
marked verbs (`*went`, see `voices.py`); the program draws among them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from tinyllm.village.voices import Beat


@cache
def read(name: str) -> dict[str, Any]:
    """A file of `plots/`, without its ending.

    >>> sorted(read("letters"))
    ['diary', 'letter', 'note']
    """
    path = files("tinyllm.village").joinpath("plots", f"{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def beats(moments: Iterable[Iterable[str]]) -> tuple[Beat, ...]:
    """One beat a moment, from its sentences."""
    return tuple(Beat(*sentences) for sentences in moments)
