"""What no text of the village may contain: faults of grammar, by name, as patterns."""

from __future__ import annotations

LINT = {
    "an unfilled slot": r"[{}*^_<>\[\]|]",
    "two spaces, or one at an end": r"  |^ | $|\n|\t",
    "a before a vowel": r"\b[Aa] (?!us[eu])[aeiou]",
    "an before a consonant": r"\b[Aa]n (?!hour|honest)[^aeiou]",
    "a small letter after a full stop": r'[.?!] "?[a-z]',
    "a space before a mark": r" [.,?!;:]",
    "two marks": r"[.,?!;:]{2}",
    "no space after a mark": r"[.,?!;:][A-Za-z]",
    "a word twice": r"\b(\w+) \1\b",
    "I is": r"\bI (?:is|has|does|goes|says|were\b(?! a))",
    "they was": r"\b(?:[Tt]hey|[Ww]e|[Yy]ou) (?:is|was|has|does|goes)\b",
    "he have": r"\b(?:He|She|It) (?:have|are|were|do|go)\b",
    "one and the same person": r"\b(Nell|Tom|Ada|Ben|Max|Finn|Sam) (?:gave|met|told|asked) \1\b",
    "can not": r"\bcan not\b",
    "a wrong present": r"\b\w+(?:pps|mms|nns|sss|shs|chs|xs|zs)\b",
}
