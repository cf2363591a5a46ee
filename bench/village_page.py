"""The village's own words: ten documents of each kind, the first ten seeds, none left out.

    python bench/village_page.py > VILLAGE.md

A test holds the page against what the village writes now.
"""

from __future__ import annotations

from tinyllm.village.writing import write_one

KINDS = {
    "story": "Stories are told in four voices: past, present, diary and letter.",
    "fable": "Two animals, one of them foolish.",
    "newspaper": "What the village calls news.",
    "recipe": "What is taken out of the cupboard goes into the dish.",
    "riddle": "Everything it says is true of the thing.",
    "rhyme": "Couplets that rhyme.",
    "weather-report": "Weather, season and what one sees agree.",
    "essay": "By a child, about itself or an animal, marked by Miss Gray.",
    "minutes": "The votes add up.",
    "encyclopedia": "Who, what and where; and what is dangerous, and why.",
    "talk": "Over the garden fence.",
    "fact": "Common knowledge, and arithmetic up to ten.",
    "quiz": "A page from the schoolbook.",
    "ladder": "Very short texts in which what was said must be used at once.",
    "primer": "The first pages that a model reads.",
}
SEEDS = range(10)

HEAD = """# What the village writes

This is the text that a model of the village learns from: ten documents of each kind, of the seeds
0 to 9, unchosen. `python bench/village_page.py` writes this page, and a test holds it against what
the village writes now; `tinyllm village --kind KIND` writes more. Before each document stand its
bits: how surprising it is to a reader who knows everything but what is drawn next.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD]
    for kind, about in KINDS.items():
        parts.append(f"## {kind}\n\n{about}\n")
        for seed in SEEDS:
            document = write_one(seed, kind=kind)
            parts.append(f"{seed}. *{document.bits:.0f} bits.* {document.text}\n")
    return "\n".join(parts)


def main() -> None:
    print(page(), end="")


if __name__ == "__main__":
    main()
