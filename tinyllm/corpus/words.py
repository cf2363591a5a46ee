"""Words, sentences and lines, as the filters count them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from string import ascii_lowercase

_SIGNS = r"…,:;!?¿¡()\[\]{}<>_#*&·—–'\"”“`‘´’‚„»«"
_MONEY = "%$£€¥"
_BEFORE = re.compile(rf"\.\.+|\+(?![0-9])|[§={_MONEY}{_SIGNS}]")
_AFTER = re.compile(
    rf"(?:\.\.+|\):|['’][sS]|[{_SIGNS}]|(?<=[0-9])[+{_MONEY}]"
    rf"|(?<=[0-9a-zß-öø-ÿ²+\-%{_SIGNS}])\.|(?<=[A-Z][A-Z])\.)$"
)
_BETWEEN = re.compile(
    r"\.\.+|…|(?<=[0-9])[+\-*^](?=[0-9-])|(?<=[a-z\"'”’`])\.(?=[A-Z\"'“‘`])"
    r"|(?<=[^\W\d_]),(?=[^\W\d_])|(?<=[^\W_])(?:-{1,3}|[–—~])(?=[^\W\d_])"
    r"|(?<=[^\W_])[:<>=/](?=[^\W\d_])"
)
_NEGATION = re.compile(r"(\w+)(n['’]t)", re.IGNORECASE)
_SHORT_FORM = re.compile(r"(\w+)(['’](?:m|d|ll|ve|re))", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|www\.\S+")
_WHOLE = frozenset(
    {"e.g.", "E.g.", "i.e.", "I.e.", "a.m.", "p.m.", "vs.", "and/or", "Mr.", "Mrs.", "Ms.", "Dr."}
    | {"Inc.", "Ltd.", "Co.", "''", "):", "(:", ":)", ":("}
    | {f"{letter}." for letter in ascii_lowercase}
)
_APART = {"cannot": ("can", "not"), "Cannot": ("Can", "not")}
_ENDS = frozenset(".!?")
TERMINAL = (".", "!", "?", '"', "'", "”", "’", "…")


@lru_cache(maxsize=2)
def split_words(text: str) -> tuple[str, ...]:
    """Words, and signs of punctuation for themselves, as spaCy's tokenizer for English does.

    Gopher's limits are set on such tokens: that a fifth of them may lack a letter leaves room for
    commas and full stops. What is cut by blank space loses its signs in front and behind, then is
    cut at hyphens and the like. Emoji, arrows and the lines of a drawn box stand each for
    themselves. Of spaCy's long list of exceptions only the commonest are kept. The last texts are
    remembered, because one filter after the other asks.

    >>> split_words("Don't ask: it's 3.11, well-known.")
    ('Do', "n't", 'ask', ':', 'it', "'s", '3.11', ',', 'well', '-', 'known', '.')
    """
    words: list[str] = []
    if not text.isascii():
        symbols = {sign for sign in set(text) if unicodedata.category(sign) == "So"}
        text = text.translate({ord(sign): f" {sign} " for sign in symbols})
    for chunk in text.split():
        if chunk.isalpha() and chunk not in _APART:
            words.append(chunk)
        else:
            words += _split_chunk(chunk)
    return tuple(words)


def _split_chunk(chunk: str) -> list[str]:
    front: list[str] = []
    back: list[str] = []
    while chunk and chunk not in _WHOLE:
        before = _BEFORE.match(chunk)
        if before:
            front.append(before.group())
            chunk = chunk[before.end() :]
            continue
        after = _AFTER.search(chunk)
        if not after or after.start() == 0:
            break
        back.append(after.group())
        chunk = chunk[: after.start()]
    if chunk:
        front += _split_inside(chunk)
    return front + back[::-1]


def _split_inside(chunk: str) -> list[str]:
    if chunk in _WHOLE or _ADDRESS.fullmatch(chunk):
        return [chunk]
    if chunk in _APART:
        return list(_APART[chunk])
    if apart := _NEGATION.fullmatch(chunk) or _SHORT_FORM.fullmatch(chunk):
        return list(apart.groups())
    words: list[str] = []
    at = 0
    for sign in _BETWEEN.finditer(chunk):
        words += [chunk[at : sign.start()], sign.group()]
        at = sign.end()
    return [word for word in (*words, chunk[at:]) if word]


def count_sentences(line: str) -> int:
    """How many sentences a line of text holds; one without an end counts.

    A sentence begins with the first word after a full stop, a question or an exclamation mark.

    >>> count_sentences("Tom came, e.g. late. Did Ruby? No"), count_sentences("")
    (3, 0)
    """
    sentences, ended = 0, True
    for token in split_words(line):
        if token in _ENDS:
            ended = True
            sentences = max(sentences, 1)
        elif ended and (sentences == 0 or not _is_punctuation(token)):
            sentences += 1
            ended = False
    return sentences


def _is_punctuation(token: str) -> bool:
    return all(unicodedata.category(sign).startswith("P") for sign in token)


def duplicates(pieces: list[str]) -> tuple[int, int]:
    """How many pieces stood there before, and how many characters those have together.

    >>> duplicates(["la", "li", "la", "la"])
    (2, 4)
    """
    seen: set[str] = set()
    count = characters = 0
    for piece in pieces:
        if piece in seen:
            count += 1
            characters += len(piece)
        seen.add(piece)
    return count, characters
