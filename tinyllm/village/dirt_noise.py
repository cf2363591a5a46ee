"""Pages without language: empty shells, keyboard noise, repetition, shouting, filler, machines."""

from __future__ import annotations

import random
from collections.abc import Callable

from tinyllm.village.dirt_layout import Block, paragraphs

Noise = Callable[[random.Random, str], tuple[str, list[Block]]]
"""From a text of the village (some kinds of dirt are made of good text) to a title and blocks."""

_LATIN = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "Sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.",
    "Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris.",
    "Duis aute irure dolor in reprehenderit in voluptate velit esse cillum.",
    "Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia.",
)
_KEYS = ("asdf", "jkl;", "qwer", "uiop", "zxcv", "hjkl", "fdsa", "yxcv", "dfgh", "tzui")


def empty_shell(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A page that has a heading and nothing else."""
    return f"Untitled page {rng.randint(1, 999)}", []


def script_shell(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A page that a script would have filled."""
    words = rng.choice(
        (
            "Please enable JavaScript to view this page.",
            "Loading, please wait... If nothing happens, turn on JavaScript in your browser.",
            "This application needs JavaScript.",
        )
    )
    return "App", paragraphs(words)


def keyboard_noise(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """Hands on a keyboard, and nobody behind them."""

    def line() -> str:
        return " ".join(
            "".join(rng.choices(_KEYS, k=rng.randint(1, 3))) for _ in range(rng.randint(8, 20))
        )

    return "".join(rng.choices(_KEYS, k=2)), paragraphs(*(line() for _ in range(rng.randint(4, 9))))


def repeated_line(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A sentence of the village, many times."""
    sentence = max(text.split(". ")[:4], key=len).strip().rstrip(".") + "."
    return sentence[:40], paragraphs(*[sentence] * rng.randint(10, 30))


def shouting(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """Good text in capitals."""
    return "READ THIS", paragraphs(*(part.upper() for part in text.split("\n")))


def lorem_ipsum(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """The filler of designers, with or without a few words of a real page."""
    rows = [" ".join(rng.sample(_LATIN, 4)) for _ in range(rng.randint(2, 4))]
    if rng.random() < 0.3:
        rows.insert(0, text.split("\n")[0])
    if not any("Lorem ipsum" in row for row in rows):
        rows.append(_LATIN[0])
    return "Sample page", paragraphs(*rows)


def log_file(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """What a server writes at night."""
    levels = ("INFO", "DEBUG", "WARN", "ERROR")
    lines = [
        f"2023-0{rng.randint(1, 9)}-{rng.randint(10, 28)} {rng.randint(10, 23)}:{n % 60:02}:07,"
        f"{rng.randint(100, 999)} {rng.choice(levels)} [worker-{rng.randint(1, 9)}] "
        f"pond.queue size={rng.randint(0, 999)} latency={rng.random():.4f} "
        f"id=0x{rng.getrandbits(32):08x}"
        for n in range(rng.randint(25, 60))
    ]
    return f"server-{rng.randint(1, 99)}.log", [Block("pre", tuple(lines))]


def number_table(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """Rows of measurements."""
    lines = [
        " ".join(f"{rng.uniform(-50, 900):.3f}" for _ in range(9))
        for _ in range(rng.randint(20, 50))
    ]
    return "Measurements", [Block("pre", tuple(lines))]


def minified_script(rng: random.Random, text: str) -> tuple[str, list[Block]]:
    """A program that was made small, on a page by mistake."""
    parts = [
        f"function {rng.choice('abcdefgh')}{n}({rng.choice('xyz')},t){{var e=t.length,n={n};"
        f"for(;e--;)n+=t[e]*{rng.randint(2, 99)};return n>>>0}}"
        for n in range(rng.randint(12, 30))
    ]
    return "bundle.min.js", paragraphs("!function(){" + "".join(parts) + "}();")


NOISE: dict[str, tuple[str, Noise]] = {
    "empty shell": ("empty", empty_shell),
    "script shell": ("empty", script_shell),
    "keyboard noise": ("noise", keyboard_noise),
    "repeated line": ("repetition", repeated_line),
    "all capitals": ("shouting", shouting),
    "lorem ipsum": ("filler", lorem_ipsum),
    "log file": ("machine output", log_file),
    "table of numbers": ("machine output", number_table),
    "minified script": ("machine output", minified_script),
}
"""The kinds of noise on which the filters were tuned: their group, and who writes them."""
