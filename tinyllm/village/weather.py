"""What the weather does to a village: one line between two events, driven by the day."""

from __future__ import annotations

from tinyllm.village.authored import read
from tinyllm.village.voices import Beat

WEATHER_LINES: dict[str, Beat] = {word: Beat(*lines) for word, lines in read("weather").items()}
