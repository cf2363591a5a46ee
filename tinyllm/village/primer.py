"""The primer: the first hundred pages that a model of the village reads.

In them words come twice in the same order, a thing changes hands once, or children follow each
other, each with the pronouns that are theirs. Whoever reads them first has learned to look back and
who is a girl, and from then on every text teaches who did what. Without them a model of so rich a
text tells fluent stories for a thousand steps, forgets who they are about, and calls everybody
"she" (`bench/RESULTS.md`).
"""

from __future__ import annotations

from tinyllm.village.grammar import Draw, Scene, Weighted
from tinyllm.village.ladder import TWICE, VOICES, write_ladder
from tinyllm.village.letters import signed
from tinyllm.village.scenes import new_scene
from tinyllm.village.voices import Beat, tell

PAGES = Weighted({"roll call": 3.0, "echo": 2.0, "one gift": 1.0, "he or she": 2.0})
LENGTHS = Weighted({3: 0.1, 4: 0.2, 5: 0.25, 6: 0.25, 7: 0.2})
TIMES = Weighted({1: 0.2, 2: 0.4, 3: 0.4})
"""How often a row of words comes again."""


def write_primer(draw: Draw) -> tuple[str, dict[str, str]]:
    """One short text and its labels, as from the ladder.

    >>> text, labels = write_primer(Draw(1))
    >>> labels["rung"] in PAGES.options
    True
    """
    page = draw.weighted(PAGES)
    if page not in TWICE:
        return write_ladder(draw, rung=page)
    scene = new_scene(draw, draw.weighted(VOICES))
    words, (first, again) = TWICE[page]
    scene["words"] = ", ".join(draw.several(words, draw.weighted(LENGTHS)))
    text = f"{tell(scene, [first])} {_again(scene, again)}"
    labels = {"hero": scene.get("name", ""), "voice": scene["voice"], "rung": page}
    return signed(scene, text), labels


def _again(scene: Scene, beat: Beat) -> str:
    """The same words in other sentences, one, two or three times."""
    wordings = beat.present if scene["voice"] == "present" else beat.past
    said = scene.draw.several(wordings, scene.draw.weighted(TIMES))
    return " ".join([scene.say((wording,)) for wording in said])
