"""From bytes to text: which encoding a file is in, decided without being told.

In this order, each surer than the next: a byte order mark; zero bytes, which only UTF-16 has in
plenty; UTF-8, which other encodings hardly ever resemble; the encoding that an HTML page declares;
and then the likeliest of the older encodings, measured by `charset-normalizer`.
"""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

HEAD = 64_000
SAMPLE = 128_000
LONGEST_PIECE = 8_192

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLDER = (  # by how common they are: equal evidence goes to the first
    "cp1252", "cp932", "euc_jp", "gb18030", "cp949", "big5", "cp1251", "koi8_r",
    "cp1250", "cp1253", "cp1254", "cp1255", "cp1256",
)  # fmt: skip
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_ALPHABETS = {  # the letters beside a to z, language by language
    "cp1252": (
        "àâæçéèêëîïôœùûüÿ", "äöüß", "áéíñóúü", "áâãàçéêíóôõú", "àèéìòóù", "åäö", "æøå",
        "áèéëïóöü", "àçèéíïòóúü", "áðéíóúýþæö", "çë",
    ),
    "cp1250": (
        "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ",
    ),
    "cp1254": ("çğıöşüâîû",),
}  # fmt: skip
_HIRAGANA = re.compile("[\u3041-\u3096]")


def detect_encoding(
    source: Path | bytes, *, html: bool = False, told: str | None = None
) -> str | None:
    """The name of the encoding of a file, or of bytes, or None when the bytes are no text.

    A file is read once, in blocks. `told` is what somebody else says, such as a web server; it
    counts only where the bytes themselves decide nothing and fit it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "letter.txt"
    >>> _ = path.write_bytes("Le café est fermé, à bientôt.".encode("utf-16-le"))
    >>> detect_encoding(path)
    'utf-16-le'
    """
    valid = True
    zeros = 0
    head = sample = b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        while block := file.read(HEAD):
            head = head or block
            zeros += block.count(0)
            if len(sample) < SAMPLE and not block.isascii():
                sample += _whole_lines(block)
            valid = valid and _goes_on(decoder, block)
    valid = valid and _goes_on(decoder, b"", final=True)

    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if zeros and not (valid and _share_of_controls(head) < 0.1):
        return _utf16_order(head)
    if _share_of_controls(head) > 0.1:
        return None
    if valid or _is_damaged_utf8(sample):
        return "utf-8"
    return (html and _declared(head)) or _fitting(told, sample) or _likeliest(sample)


def read_pieces(path: Path, encoding: str) -> Iterator[str]:
    """A file's lines, their ends written "\\n"; a very long line comes in several pieces.

    Bytes that do not fit the encoding become U+FFFD.
    """
    with path.open(encoding=encoding, errors="replace", newline=None) as file:
        while piece := file.readline(LONGEST_PIECE):
            yield piece


def _goes_on(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _whole_lines(block: bytes) -> bytes:
    """A block less the ends that may have been cut inside a character."""
    first, last = block.find(b"\n") + 1, block.rfind(b"\n") + 1
    lines = block[first:last]
    return block if lines.isascii() else lines


def _utf16_order(head: bytes) -> str | None:
    """The byte order in which spaces and line ends appear; None if the result is no text."""
    texts = {
        encoding: head[: len(head) // 2 * 2].decode(encoding, "replace")
        for encoding in ("utf-16-le", "utf-16-be")
    }
    best = max(texts, key=lambda encoding: len(re.findall("[ \n]", texts[encoding])))
    text = texts[best]
    odd = sum(c == "\ufffd" or unicodedata.category(c) in ("Cn", "Co", "Cs") for c in text)
    blanks = len(re.findall("[ \n]", text))
    return best if blanks and odd + _controls(text) <= 0.02 * len(text) else None


def _controls(text: str) -> int:
    return sum(unicodedata.category(c) == "Cc" and c not in "\t\n\r\f" for c in text)


def _share_of_controls(head: bytes) -> float:
    return (len(head) - len(head.translate(None, _CONTROLS))) / max(len(head), 1)


_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r\f"))
"""Bytes that no text has. Those from 0x80 to 0x9F are letters or marks in the older encodings."""


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether nearly all that is not ASCII is good UTF-8, with a few broken bytes between."""
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    good = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
    return good > 10 * broken


def _declared(head: bytes) -> str | None:
    found = _DECLARED.search(head[:4_096])
    return _known(found[1].decode("ascii")) if found else None


def _fitting(told: str | None, sample: bytes) -> str | None:
    """What somebody else says the encoding is, unless the bytes contradict it."""
    name = _known(told) if told else None
    if name is None or sample.decode(name, "replace").count("\ufffd") > len(sample) / 100:
        return None
    return name


def _known(name: str) -> str | None:
    """Python's name of a text encoding; None for one that is unknown, or ruled out before."""
    try:
        encoding = codecs.lookup(name).name
        if encoding.startswith("utf") or "escape" in encoding:
            return None
        bytes(range(256)).decode(encoding, "replace")  # idna and the like cannot, nor can base64
    except (LookupError, ValueError):
        return None
    if encoding in ("iso8859-1", "ascii"):  # browsers read them so (WHATWG Encoding Standard)
        return "cp1252"
    return encoding


def _likeliest(sample: bytes) -> str:
    """The older encoding in which the sample looks least like noise."""
    for encoding in ("cp932", "euc_jp"):
        # Japanese is full of hiragana, which bytes of another language hardly ever spell.
        text = sample.decode(encoding, "replace")
        if len(_HIRAGANA.findall(text)) > 0.2 * len(text):
            return encoding
    matches = from_bytes(sample, cp_isolation=list(_OLDER), threshold=0.5)
    # cp1252 goes unlisted where it gives the same text as another that is listed.
    ranks = {
        name: (match.chaos, -match.coherence, _OLDER.index(name))
        for match in matches
        for name in (match.encoding, *match.could_be_from_charset)
        if name in _OLDER
    }
    best = min(ranks, key=lambda name: ranks[name], default="cp1252")
    if best not in _ALPHABETS:
        return best
    # These share most letters, and noise alone takes "pão" for "păo": ask which one spells a
    # language.
    latin = [name for name in _ALPHABETS if name in ranks] or [best]
    return min(latin, key=lambda name: (-_spells(sample, name), ranks.get(name, ())))


def _spells(sample: bytes, encoding: str) -> float:
    """How much of what is not ASCII one language alone could have written, at best."""
    found = Counter(c for c in sample.decode(encoding, "replace").lower() if not c.isascii())
    letters = {c: n for c, n in found.items() if c.isalpha() or c == "\ufffd"}
    most = max(sum(letters.get(c, 0) for c in alphabet) for alphabet in _ALPHABETS[encoding])
    return most / max(sum(letters.values()), 1)
