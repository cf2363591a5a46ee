"""Is it English? py3langid judges (after Lui and Baldwin 2012, "langid.py"), without a network."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

LANGUAGE_RULE = (
    "English only: py3langid gives English at least 0.65, the threshold of FineWeb (Penedo et al. "
    "2024). A text of fewer than 20 words is too short to tell, and stays."
)
READ_AT_MOST = 1_000
"""So many characters from the start are enough to know a language."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """Which language stays."""

    wanted: str = "en"
    least_probability: float = 0.65
    """FineWeb keeps a page that its classifier calls English with at least 0.65."""
    least_words: int = 20
    """Shorter texts are not judged: a name or two decide about them."""


_LOCK = threading.Lock()


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    with _LOCK:
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def find_language(text: str) -> tuple[str, float]:
    """The likeliest language (ISO 639-1) and its probability.

    >>> find_language("Der Hund schläft unter dem Tisch und träumt von der Katze.")[0]
    'de'
    """
    code, probability = _identifier().classify(text[:READ_AT_MOST])
    return str(code), float(probability)


def judge_language(
    text: str,
    limits: Language = Language(),
) -> tuple[str | None, str | None]:
    """Why a text is not in the wanted language (None if it is), and the language that it is in.

    A text that is too short to tell passes, its language None.

    >>> german = "Der Hund schläft unter dem Tisch und träumt von der Katze, die er nie fängt. "
    >>> judge_language(german * 2), judge_language("Guten Tag!")
    (('foreign: de', 'de'), (None, None))
    """
    if len(text.split()) < limits.least_words:
        return None, None
    code, probability = find_language(text)
    if code != limits.wanted:
        return f"foreign: {code}", code
    if probability < limits.least_probability:
        return "no language for sure", code
    return None, code
