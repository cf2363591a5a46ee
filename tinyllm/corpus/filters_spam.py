"""Spam and link farms: text that was written for search engines, or to sell.

Statistics of words after Ntoulas et al. 2006, "Detecting Spam Web Pages through Content Analysis":
spam repeats its keywords, and it shares a vocabulary. The words below are the usual ones of
advertisements; what counts is how many different ones a page has and how dense they stand, so that
a shop in a story stays a shop in a story.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SPAM_RULE = (
    "A page where the phrases of advertisements stand thick is spam (after Ntoulas et al. 2006)."
)
SHOUTING_RULE = (
    "A page in capitals, or one that ends most sentences with exclamation marks, shouts."
)
PLACEHOLDER_RULE = (
    "A page of fewer than 80 words that says that nothing is here (not found, under construction, "
    "log in first) is an empty shell."
)

_PHRASES = (
    *("click here", r"order (?:now|today|online)", r"buy (?:now|today|online|cheap)", "shop now"),
    *(
        "act now",
        r"sign up(?: now| today)?",
        r"register (?:now|today)",
        "subscribe now",
        "call now",
    ),
    r"free (?:trial|shipping|spins|delivery|download|quote|gift|bonus|sample|access|installation)",
    *(r"money[- ]back", r"best (?:price|deal|offer)s?", r"low(?:est)? prices?", r"risk[- ]free"),
    *(r"limited (?:time|offer|stock)", r"special (?:offer|price|discount)", "price", "on sale"),
    *(r"while (?:stocks|supplies) last", r"stocks last", "satisfaction guaranteed", "guaranteed"),
    r"\d\d+\s?% (?:off|free|natural|guaranteed|satisfaction|legal|safe)",
    *("discount", "coupon", r"promo(?: code)?", "bonus", "jackpot", "casino", "poker", "roulette"),
    *("slots", "betting", "payouts?", "deposit", "winnings", "cash", "prescription", "pharmacy"),
    *("pills?", "weight loss", r"lose \d+", "belly fat", "miracle", "clinically", "side effects"),
    *("testimonials?", r"five[- ]star", "rated", r"must[- ]have", "affordable", "wholesale"),
    *(r"cheap(?:er|est)?", "buy", "order", "deals?", "bargain", "offers?", "reviews?", "refund"),
    *("customers", "customer service", "satisfied", "hurry", "exclusive", "instant(?:ly)?"),
    *(r"save (?:up to )?\$?\d+", r"\$\d+", r"\d+ (?:dollars|euros)", r"crack(?:ed)?", "keygen"),
    *("serial key", "torrent", "full version", "registration", "survey", "credit card", "virus"),
    *("antivirus", "downloads?", "downloaded", "download now", "premium", "unlimited"),
    *(r"earn (?:money|up to|\$)", "work from home", "make money", "crypto", "bitcoin", "loans?"),
    *("insurance", "mortgage", "credit", "seo", "backlinks?", "traffic", "highly recommend"),
    *(r"recommend (?:this|it)", "worth every", "affiliate", "checkout", "add to cart", "ships?"),
    *("free", "link below", "changed my life", "value", "purchases?", "products?", "pros", "cons"),
    *("winner", "amazing", "fantastic", "skeptical", r"code [a-z]+\d+"),
)
_BEGINNINGS = frozenset(phrase[:3] for phrase in _PHRASES if phrase[:3].isalpha())
_PATTERN = re.compile(rf"(?<!\w)(?:{'|'.join(_PHRASES)})(?!\w)", re.IGNORECASE)
_NOTHING_HERE = re.compile(
    r"page (?:was )?not found|could not find (?:that|the|this) page|\b404\b|\b403\b|"
    r"page you (?:are|were) looking for|access denied|"
    r"under construction|coming soon|enable javascript|enable cookies|checking your browser|"
    r"(?:log|sign) in to (?:view|see|read|continue)|no longer available|temporarily unavailable|"
    r"default web page|nothing (?:was )?found|has (?:been moved|expired)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_ENDS = re.compile(r"[.!?]+")


@dataclass(frozen=True, kw_only=True)
class Spam:
    """The limits of the spam rule, set on the village's own dirty pages."""

    most_density: float = 0.055
    """Phrases of advertisements for each word."""
    least_different: int = 5
    """Only a page with so many different ones can be spam."""


@dataclass(frozen=True, kw_only=True)
class Shouting:
    """The limits of the shouting rule."""

    most_capitals: float = 0.5
    """The share of capitals among the letters."""
    most_exclamations: float = 0.6
    """The share of sentences that end with an exclamation mark ..."""
    least_sentences: int = 6
    """... on a page with at least so many sentences."""


def judge_spam(text: str, limits: Spam = Spam()) -> str | None:
    """Why a text is spam; None if it is not.

    >>> judge_spam("Buy cheap pills online now! Free shipping, best price, money back guaranteed.")
    'spam: the phrases of advertisements'
    >>> judge_spam("Tom sells cheap bread, and it is free on Sundays.") is None
    True
    """
    words = _WORD.findall(text.lower())
    begun = sum(word[:3] in _BEGINNINGS or word[0].isdigit() for word in words)
    if begun <= limits.most_density * len(words):
        return None  # most texts, without a search: too few words that a phrase begins with
    found = [match.lower() for match in _PATTERN.findall(text)]
    if len(set(found)) < limits.least_different:
        return None
    if len(found) > limits.most_density * len(words):
        return "spam: the phrases of advertisements"
    return None


def judge_placeholder(text: str, fewer_than: int = 80) -> str | None:
    """Why a short text only says that there is none; None for a text.

    >>> judge_placeholder("404. The page you are looking for does not exist.")
    'a placeholder: nothing is here'
    """
    if len(text.split()) < fewer_than and _NOTHING_HERE.search(text):
        return "a placeholder: nothing is here"
    return None


def judge_shouting(text: str, limits: Shouting = Shouting()) -> str | None:
    """Why a text shouts; None if it does not.

    >>> judge_shouting("THE DUCK IS LATE AGAIN.")
    'shouting: most letters are capitals'
    """
    letters = sum(map(str.isalpha, text))
    if sum(map(str.isupper, text)) > limits.most_capitals * letters:
        return "shouting: most letters are capitals"
    ends = _ENDS.findall(text)
    if len(ends) >= limits.least_sentences:
        loud = sum("!" in end for end in ends)
        if loud > limits.most_exclamations * len(ends):
            return "shouting: exclamation marks"
    return None
