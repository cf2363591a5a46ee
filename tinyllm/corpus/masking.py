"""Personal data out of the text, a word of what stood there in its place.

The patterns take what has the form, and a check decides where there is one: card numbers pass
Luhn's (ISO/IEC 7812), IBANs leave 1 when divided by 97 (ISO 13616), addresses on the internet are
read by `ipaddress`. So a parcel's number and a year stay what they are.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from tinyllm.corpus.document import Document, Ledger

MASK_RULE = (
    "E-mail addresses, phone numbers, IBANs, card numbers, IP addresses and postal addresses are "
    "replaced by a word for what they were; after the filters, which would take masks for noise."
)

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+%-]*[\w+%-]@(?:[\w-]+\.)+[a-z]{2,}\b"
    r"|\b[\w.+-]+\s?[\[(]\s?at\s?[\])]\s?[\w-]+(?:\s?(?:\.|[\[(]\s?dot\s?[\])])\s?[\w-]+)+",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){2,8}\b")
_CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_IP = re.compile(
    r"(?<![\w.])(?<![Vv]ersion )(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)"
    r"|(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"
)
_PHONE = re.compile(r"(?<![\w.,:/+-])\+?\(?\d[\d ().\-/]{5,20}\d(?![\w:%]|[.,-]\d)")
_NORTH_AMERICAN = re.compile(r"(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}")
_CALLED = re.compile(
    r"\b(?:call|phone|telephone|tel|ring|mobile|fax|cell|dial|text|whatsapp)\b[^.!?;\n]{0,30}$",
    re.I,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_STREETS = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Court|Ct|Square|Sq|Terrace|Way|Boulevard|"
    "Blvd|Place|Gardens|Row|Hill|Crescent|Parkway|Green|Grove|Mews|Walk|Quay"
)
_NAME = r"[A-Z][\w'’-]*"
_CODE = r"(?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|\d{5})"
_ADDRESS = re.compile(
    rf"\b\d{{1,5}}[a-zA-Z]? (?:{_NAME} ){{1,3}}(?:{_STREETS})\b\.?"
    rf"(?:,? (?:Apt|Apartment|Flat|Suite|Unit)\.? \w+)?"
    rf"(?:,? {_NAME}(?: {_NAME})?)?(?:,? {_CODE}\b)?"
    rf"|\b{_NAME}(?:straße|strasse|weg|platz|allee|gasse|ufer|damm) \d{{1,4}}[a-z]?\b"
    rf"(?:,? (?:D-)?\d{{5}} {_NAME})?"
    rf"|\b\d{{1,4}},? (?:rue|avenue|boulevard|place|chemin|impasse|quai) "
    rf"(?:(?:de|du|des|la|le|les|d'|l') ?)*{_NAME}(?: {_NAME})*(?:,? \d{{5}} {_NAME})?"
    rf"|\bP\.?O\.? ?Box \d+(?:,? {_NAME})?(?:,? {_CODE})?"
)


def mask(text: str) -> tuple[str, list[str]]:
    """The text with personal data masked, and what kinds of it were found, in their order.

    >>> mask("Write to anna@example.org or call (212) 555-0199; the code is 1234-5678.")
    ('Write to [e-mail] or call [phone]; the code is 1234-5678.', ['e-mail', 'phone'])
    """
    found: list[str] = []
    if not any(map(str.isdigit, text)) and "@" not in text and "at" not in text:
        return text, found
    for word, pattern, check in _KINDS:
        text = _replace(text, word, pattern, check, found)
    return text, found


def mask_personal_data(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Mask personal data in every document that the ledger's scope names.

    >>> documents = iter([Document(text="My card: 4111 1111 1111 1111.", id="a")])
    >>> [d.text for d in mask_personal_data(documents, Ledger("mask", MASK_RULE))]
    ['My card: [card].']
    """
    for document in documents:
        if not ledger.judges(document):
            yield ledger.keep(document)
            continue
        text, found = mask(document.text)
        for word in found:
            ledger.note("masked", word)
        yield ledger.keep(replace(document, text=text), changed=bool(found))


def _replace(
    text: str,
    word: str,
    pattern: re.Pattern[str],
    check: Callable[[str, str], int],
    found: list[str],
) -> str:
    """Replace each match by the word as far as `check` says that it is one."""

    def masked(match: re.Match[str]) -> str:
        whole = match.group()
        length = check(whole, match.string[max(match.start() - 40, 0) : match.start()])
        if not length:
            return whole
        found.append(word)
        return f"[{word}]{whole[length:]}"

    return pattern.sub(masked, text)


def _whole(value: str, before: str) -> int:
    return len(value)


def _iban(value: str, before: str) -> int:
    """How much of the match is an IBAN: the pattern may have run on into the next word."""
    for end in range(len(value), 14, -1):
        compact = value[:end].replace(" ", "")
        if not 15 <= len(compact) <= 34 or value[end - 1] == " ":
            continue
        turned = compact[4:] + compact[:4]
        if int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1:
            return end
    return 0


def _card(value: str, before: str) -> int:
    digits = [int(sign) for sign in value if sign.isdigit()]
    if not 13 <= len(digits) <= 19:
        return 0
    doubled = [d * 2 - 9 * (d > 4) if n % 2 else d for n, d in enumerate(reversed(digits))]
    return 0 if sum(doubled) % 10 else len(value)


def _address(value: str, before: str) -> int:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return 0
    return 0 if address.is_unspecified or address.is_loopback else len(value)


def _phone(value: str, before: str) -> int:
    """Numbers with a country code, or an area code in its usual form, or after "call"."""
    digits = sum(map(str.isdigit, value))
    if not 7 <= digits <= 15 or _DATE.match(value):
        return 0
    international = value.startswith(("+", "00")) and digits >= 8
    national = value.startswith(("0", "(0")) and digits >= 9 and _is_grouped(value)
    called = _CALLED.search(before) is not None
    if international or national or called or _NORTH_AMERICAN.fullmatch(value):
        return len(value)
    return 0


def _is_grouped(value: str) -> bool:
    """Whether signs stand between the digits, and no more groups than a phone number has."""
    groups = re.findall(r"\d+", value)
    return 1 < len(groups) <= 6


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str, str], int]], ...] = (
    ("e-mail", _EMAIL, _whole),
    ("IBAN", _IBAN, _iban),
    ("card", _CARD, _card),
    ("IP address", _IP, _address),
    ("phone", _PHONE, _phone),
    ("address", _ADDRESS, _whole),
)
