"""Made-up personal data, in sentences that a village page might have; and what only looks like it.

The e-mail addresses end in names that are reserved for examples (RFC 2606), card numbers pass the
Luhn check and IBANs the mod-97 check because the masking step asks for both; none belongs to
anybody.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple


class Personal(NamedTuple):
    """A piece of personal data as it stands in a text."""

    kind: str
    value: str


_FIRST = ("anna", "tom", "mina", "rosa.b", "j.flint", "old-pete", "ruby_k", "max")
_LAST = ("flint", "crumb", "brook", "miller", "garden", "post", "smith")
_HOSTS = ("example.org", "example.com", "mail.example.net", "post.example")


def email_address(rng: random.Random) -> Personal:
    """An e-mail address.

    >>> "@" in email_address(random.Random(0)).value
    True
    """
    name = f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}{rng.choice(('', '7', '1984', '.home'))}"
    return Personal("e-mail", f"{name}@{rng.choice(_HOSTS)}")


def phone_number(rng: random.Random) -> Personal:
    """A phone number as it is written in Britain, in the United States, or with a country code."""

    def digits(count: int) -> str:
        return "".join(rng.choices("0123456789", k=count))

    forms = (
        f"({rng.randint(2, 9)}{digits(2)}) 555-{digits(4)}",
        f"{rng.randint(2, 9)}{digits(2)}-555-{digits(4)}",
        f"+1 {rng.randint(2, 9)}{digits(2)} 555 {digits(4)}",
        f"+44 20 7946 0{digits(3)}",
        f"020 7946 0{digits(3)}",
        f"01632 960{digits(3)}",
    )
    return Personal("phone", rng.choice(forms))


def bank_account(rng: random.Random) -> Personal:
    """An IBAN with right check digits, in groups of four.

    >>> from tinyllm.village.dirt_personal import iban_check
    >>> value = bank_account(random.Random(1)).value.replace(" ", "")
    >>> iban_check(value[:2], value[4:]) == value[2:4]
    True
    """
    country, length = rng.choice((("DE", 18), ("FR", 23), ("ES", 20)))
    inner = "".join(rng.choices("0123456789", k=length))
    text = f"{country}{iban_check(country, inner)}{inner}"
    return Personal("iban", " ".join(text[i : i + 4] for i in range(0, len(text), 4)))


def iban_check(country: str, account: str) -> str:
    """The two check digits (ISO 13616): the whole number leaves 1 when divided by 97.

    >>> iban_check("GB", "WEST12345698765432")
    '82'
    """
    number = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{98 - int(number) % 97:02}"


def card_number(rng: random.Random) -> Personal:
    """Sixteen digits that pass the Luhn check, in groups of four.

    >>> len(card_number(random.Random(0)).value)
    19
    """
    digits = [4, *(rng.randrange(10) for _ in range(14))]
    doubled = (d * 2 - 9 * (d > 4) if n % 2 == 0 else d for n, d in enumerate(digits))
    text = "".join(map(str, [*digits, -sum(doubled) % 10]))
    mark = rng.choice((" ", "-"))
    return Personal("card", mark.join(text[i : i + 4] for i in range(0, 16, 4)))


SENTENCES: dict[str, tuple[Callable[[random.Random], Personal], tuple[str, ...]]] = {
    "e-mail addresses": (
        email_address,
        (
            "Whoever has seen the kite may write to {}.",
            "Answers please to {} before Friday.",
            "The council can be reached at {}, but not on Mondays.",
        ),
    ),
    "phone numbers": (
        phone_number,
        (
            "If the goat comes back, call {} at any hour.",
            "Ring {} and ask for the baker.",
            "Her number is {}; let it ring for a long time.",
        ),
    ),
    "bank accounts": (
        bank_account,
        (
            "Please pay for the new bridge into account {} by spring.",
            "The money for the band goes to {}, as always.",
        ),
    ),
    "card numbers": (
        card_number,
        (
            "Somebody left a card with the number {} at the well.",
            "He read his card number out loud, {}, and everybody heard it.",
        ),
    ),
}
"""The kinds of personal data on which the filters were tuned, and sentences around them."""

LOOK_ALIKES = (
    "The train with the number 2024 555 leaves at 10:15 and at 18:45.",
    "The old coin had 1234 5678 9012 3456 scratched into its edge.",
    "In 1987 and in 2011 the pond froze over, and 12,500 people came to see it.",
    "The final score of the match was 3-2, after 1-1 at half time.",
    "Version 3.11 of the timetable replaces version 3.10.",
    "Mail goes out at 9 @ the post office, says the sign.",
    "The parcel number is 100-200-30, and it weighs 4.25 kilos.",
    "Room 12 is open from 08:00 to 16:30, room 14 from 09:00 to 12:00.",
)
"""Numbers and signs that are nobody's: they must stay."""
