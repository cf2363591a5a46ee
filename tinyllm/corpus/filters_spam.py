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

_PUSHY = (
    r"click here|order (?:now|today|online)|buy (?:now|today|online|cheap)|shop now|act now|"
    r"sign up(?: now| today)?|register (?:now|today)|subscribe now|call now|download now|"
    r"free (?:trial|shipping|spins|delivery|download|quote|gift|bonus|sample|access|installation)|"
    r"money[- ]back|best (?:price|deal|offer)s?|low(?:est)? prices?|limited (?:time|offer|stock)|"
    r"special (?:offer|price|discount)|while (?:stocks|supplies) last|risk[- ]free|"
    r"(?:100|\d\d)\s?% (?:off|free|natural|guaranteed|satisfaction|legal|safe)|"
    r"satisfaction guaranteed|guaranteed|discount|coupon|promo(?: code)?|bonus|jackpot|casino|"
    r"poker|roulette|slots|betting|payouts?|deposit|winnings|cash|prescription|pharmacy|pills?|"
    r"weight loss|lose \d+|belly fat|miracle|clinically|side effects|testimonials?|five[- ]star|"
    r"rated|must[- ]have|affordable|wholesale|cheap(?:er|est)?|buy|order|deals?|bargain|offer|"
    r"offers|reviews?|refund|customers|satisfied|hurry|exclusive|instantly?|save (?:up to )?\$?\d+|"
    r"\$\d+|\d+ (?:dollars|euros)|crack(?:ed)?|keygen|serial key|torrent|full version|"
    r"(?:no|without) (?:registration|credit card|virus|viruses|survey)|premium|unlimited|"
    r"earn (?:money|up to|\$)|work from home|make money|crypto|bitcoin|loans?|insurance|mortgage|"
    r"credit|seo|backlinks?|traffic|highly recommend|recommend this|worth every|affiliate|"
    r"checkout|add to cart|in stock|ships?|free|my (?:honest )?link|link below|changed my life|"
    r"to everyone|value|on sale|purchases?|products?|customer service|pros|cons|winner|amazing|"
    r"fantastic|skeptical|code [a-z]+\d+|price|antivirus|downloads?|downloaded"
)
_PATTERN = re.compile(rf"\b(?:{_PUSHY})(?!\w)", re.IGNORECASE)
_NOTHING_HERE = re.compile(
    r"page (?:was )?not found|could not find (?:that|the|this) page|\b404\b|\b403\b|"
    r"page you (?:are|were) looking for|access denied|"
    r"under construction|coming soon|enable javascript|enable cookies|checking your browser|"
    r"(?:log|sign) in to (?:view|see|read|continue)|no longer available|temporarily unavailable|"
    r"default web page|nothing (?:was )?found|has (?:been moved|expired)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
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
    found = [match.lower() for match in _PATTERN.findall(text)]
    if len(set(found)) < limits.least_different:
        return None
    words = sum(1 for _ in _WORD.finditer(text))
    if len(found) > limits.most_density * words:
        return "spam: the phrases of advertisements"
    return None


def judge_placeholder(text: str, fewer_than: int = 80) -> str | None:
    """Why a short text only says that there is none; None for a text.

    >>> judge_placeholder("404. The page you are looking for does not exist.")
    'a placeholder: nothing is here'
    """
    if _NOTHING_HERE.search(text) and sum(1 for _ in _WORD.finditer(text)) < fewer_than:
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
