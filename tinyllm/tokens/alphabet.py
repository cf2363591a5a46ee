"""The first 261 tokens: five special ones, then one for each byte.

Byte-level BPE can write any text, because whatever has no token of its own is spelled in bytes.
In its files each byte is shown as one printable character (the convention of GPT-2): a printable
byte as itself, the others as the characters from U+0100 on, so a space reads as "Ġ". The ids of
the bytes follow the order of those characters, which is the order the `tokenizers` library uses.
"""

from __future__ import annotations

SPECIAL = ("<|endoftext|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")
"""Tokens that no text contains, ids 0 to 4. `<|endoftext|>` stands before every document and after
the last; `<|end|>` ends a turn of a conversation."""

_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_HIDDEN = [byte for byte in range(256) if byte not in _PRINTABLE]

BYTE_CHARACTERS = tuple(
    chr(byte) if byte in _PRINTABLE else chr(0x100 + _HIDDEN.index(byte)) for byte in range(256)
)
"""The printable character that stands for each byte."""

BYTES_OF = {character: byte for byte, character in enumerate(BYTE_CHARACTERS)}
"""The byte behind each printable character."""

BYTE_IDS = tuple(
    len(SPECIAL) + sorted(BYTE_CHARACTERS).index(character) for character in BYTE_CHARACTERS
)
"""The token id of each byte: ids 5 to 260."""

FIRST_MERGE = len(SPECIAL) + 256
"""The id of the first token that a merge makes, 261."""


def to_characters(piece: bytes) -> str:
    """Bytes in printable characters, as they stand in `tokenizer.json` and `merges.txt`.

    >>> to_characters(" café".encode())
    'ĠcafÃ©'
    """
    return "".join(BYTE_CHARACTERS[byte] for byte in piece)


def to_bytes(characters: str) -> bytes:
    """The inverse of `to_characters`.

    >>> to_bytes("ĠcafÃ©").decode()
    ' café'
    """
    return bytes(BYTES_OF[character] for character in characters)


def well_formed(text: str) -> str:
    """The text with its surrogates resolved: the two halves of one character are joined, and half
    a character becomes U+FFFD, the replacement character.

    Python strings may hold surrogates (a damaged JSON file, a cut emoji); UTF-8 cannot.

    >>> well_formed("plain"), well_formed("\\ud83d\\ude00"), well_formed("half \\ud83d")
    ('plain', '😀', 'half �')
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
