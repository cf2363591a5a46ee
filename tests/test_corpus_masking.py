"""Personal data goes, and numbers that are nobody's stay."""

import random

import pytest

from tinyllm.corpus.masking import mask
from tinyllm.village.dirt_held_out import PERSONAL
from tinyllm.village.dirt_personal import LOOK_ALIKES, SENTENCES


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to anna.flint@example.org.", "Write to [e-mail]."),
        ("It is anna (at) example (dot) org now.", "It is [e-mail] now."),
        ("Card 4111 1111 1111 1111, please.", "Card [card], please."),
        ("Pay to GB82 WEST 1234 5698 7654 32 AND SOON.", "Pay to [IBAN] AND SOON."),
        (
            "From 192.0.2.17 and 2001:db8::1 at 10:15:30.",
            "From [IP address] and [IP address] at 10:15:30.",
        ),
        ("Ring 020 7946 0018, or +49 30 901820.", "Ring [phone], or [phone]."),
        ("Call (212) 555-0199 or 5550199.", "Call [phone] or [phone]."),
        ("She lives at 12 Mill Lane, Little Wick.", "She lives at [address]."),
        ("Gartenstraße 7, 12345 Neustadt is the house.", "[address] is the house."),
    ],
)
def test_personal_data_is_replaced_by_what_it_was(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        *LOOK_ALIKES,
        "The card said 4111 1111 1111 1112, which is no card.",
        "GB82 WEST 1234 5698 7654 33 is an account of nobody.",
        "On 2024-03-12 and on 12.03.2024 it rained at 08:30.",
        "Version 1.2.3 follows version 999.1.2.3.",
        "The number pi begins with 3.14159265358979.",
        "Room 101, page 1234567, chapter 7.",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    assert mask(text) == (text, [])


@pytest.mark.parametrize("kind", [*SENTENCES, *PERSONAL])
def test_all_personal_data_that_the_village_makes_up_is_masked(kind: str) -> None:
    make, sentences = {**SENTENCES, **PERSONAL}[kind]
    rng = random.Random(kind)
    for _ in range(150):
        one = make(rng)
        text, found = mask(rng.choice(sentences).format(one.value))
        assert one.value not in text
        assert len(found) == 1, (one.value, text)
