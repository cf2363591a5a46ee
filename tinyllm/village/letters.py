"""What stands above and below a text that its hero writes: a diary, a letter, a note."""

from __future__ import annotations

from tinyllm.village.authored import read
from tinyllm.village.grammar import Scene, Wording
from tinyllm.village.voices import WRITTEN, variants

_TEXTS = read("letters")
HEADS: dict[str, list[str]] = {voice: _TEXTS[voice]["head"] for voice in WRITTEN}
TAILS: dict[str, list[str]] = {voice: _TEXTS[voice]["tail"] for voice in WRITTEN}
"""By voice. The writer is named in every head, and is the last word of every tail."""


def _wordings(texts: dict[str, list[str]]) -> dict[str, tuple[Wording, ...]]:
    return {voice: tuple(map(variants, sentences)) for voice, sentences in texts.items()}


_ABOVE, _BELOW = _wordings(HEADS), _wordings(TAILS)


def signed(scene: Scene, text: str) -> str:
    """The text with what stands above and below it where the voice of the scene writes; others
    speak, and sign nothing."""
    voice = scene["voice"]
    if voice not in WRITTEN:
        return text
    return scene.say(_ABOVE[voice]) + text + scene.say(_BELOW[voice])
