"""The text of a variant, and the text that both variants are measured on.

What is measured must be the same for both, unread by both, and clean. The village writes it from
seeds that training does not use; of its web pages, whose labels tell the truth, it is the clean
text of good pages of another seed. Of other people's text, a twentieth is held out as every step of
the corpus stage leaves it, and both variants lose these documents from their training text. A copy
of one of them, kept where copies are not dropped, can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tinyllm import village
from tinyllm.corpus import Document, build_corpus, read_text
from tinyllm.corpus.checking import check_size
from tinyllm.corpus.mixing import times
from tinyllm.corpus.reading_village import PRIMER, village_validation
from tinyllm.corpus.shards import TextWriter
from tinyllm.corpus.sources import VILLAGE
from tinyllm.effects.variants import PAGES, Variant
from tinyllm.events import Event, Finished, Progress
from tinyllm.files import atomic_folder, atomic_write, sha256, write_manifest
from tinyllm.village.dirt import dirty_pages

PAGE_CHARACTERS = 800
"""So many characters of text come through the corpus stage for each of the village's web pages."""

HELD_OUT_SEED = 500_003
"""Added to the seed of the web pages for those whose text is measured on."""


def build_text(
    variant: Variant, folder: Path, *, workshop: Path, characters: int, documents: int, seed: int
) -> Iterator[Event]:
    """The corpus of `variant` in `folder`: its training text, and the common held-out text.

    `characters` is how much the village writes for a share of 1, `documents` how many of them are
    held out. In `workshop` lies what several variants need, such as pages before cleaning.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> tenth = Variant(name="a tenth", share=0.1)
    >>> events = build_text(tenth, home / "corpus", workshop=home, characters=300_000,
    ...                     documents=20, seed=0)
    >>> sizes = list(events)[-1].metrics
    >>> 30_000 <= sizes["train_characters"] < 32_000, sizes["validation_documents"]
    (True, 20.0)
    """
    if variant.sources == (VILLAGE,) and variant.kind != PAGES:
        training = _village(variant, characters, seed)
        held_out = list(village_validation(seed=seed, documents=documents))
    elif variant.sources == (VILLAGE,):
        pages = workshop / "pages"
        yield from _write_pages(pages, characters // PAGE_CHARACTERS, seed)
        cleaned = _place(variant, workshop)
        yield from _clean(cleaned, (str(pages),), variant.without, seed)
        training = _sample(cleaned, variant.share, seed, without=set())
        held_out = list(islice(_good_pages(seed + HELD_OUT_SEED), documents))
    else:
        whole, cleaned = workshop / "cleaned", _place(variant, workshop)
        yield from _clean(whole, variant.sources, (), seed, characters)
        yield from _clean(cleaned, variant.sources, variant.without, seed, characters)
        held_out = list(islice(read_text(whole, "validation"), documents))
        unread = {document.id for document in held_out}
        training = _sample(cleaned, variant.share, seed, without=unread)
    yield from _write_corpus(folder, training, held_out)


def _village(variant: Variant, characters: int, seed: int) -> Iterator[Document]:
    """What the village writes, without the primer, which is no kind of text to compare."""
    wanted = characters * variant.share
    for written in village.write(seed=seed, kind=variant.kind, dial=variant.dial):
        if wanted <= 0:
            return
        wanted -= len(written.text)
        yield Document(text=written.text, id=str(written.seed), metadata={"kind": written.kind})


def _write_pages(folder: Path, count: int, seed: int) -> Iterator[Event]:
    if folder.exists():
        return
    yield Progress(stage="corpus", done=0, total=count, unit="pages", note="the village's web")
    with atomic_folder(folder) as new:
        for line in islice(dirty_pages(seed=seed), count):
            name = f"{line['labels']['page']:06}.html"
            (new / name).write_text(line["text"], encoding="utf-8", newline="\n")
    yield Progress(stage="corpus", done=count, total=count, unit="pages", note="the village's web")


def _good_pages(seed: int) -> Iterator[Document]:
    """What a reader copies from good pages: no copies, nobody's personal data."""
    for line in dirty_pages(seed=seed):
        labels = line["labels"]
        if labels["group"] == "good":
            yield Document(text=labels["text"], id=f"page {labels['page']} of seed {seed}")


def _place(variant: Variant, workshop: Path) -> Path:
    steps = "-".join(step.replace(" ", "_") for step in sorted(set(variant.without)))
    return workshop / (f"cleaned-without-{steps}" if steps else "cleaned")


def _clean(
    folder: Path,
    sources: tuple[str, ...],
    without: tuple[str, ...],
    seed: int,
    characters: int = 1,
) -> Iterator[Event]:
    """Take `sources` through the corpus stage once; what is there already stays."""
    if not folder.exists():
        filters = dict.fromkeys(without, False)
        yield from build_corpus(
            folder, sources, seed=seed, characters=characters, filters=filters or None
        )


def _sample(cleaned: Path, share: float, seed: int, *, without: set[str]) -> Iterator[Document]:
    """A share of the documents of both splits, chosen by hash, less those that are held out."""
    for split in ("train", "validation"):
        for document in read_text(cleaned, split):
            primer = document.metadata.get("kind") == PRIMER
            if not primer and document.id not in without and times(document, share, seed=seed):
                yield document


def _write_corpus(
    folder: Path, training: Iterator[Document], held_out: list[Document]
) -> Iterator[Event]:
    """What the corpus stage leaves, with these two splits."""
    with atomic_folder(folder) as new:
        splits = {}
        for split, documents in (("train", training), ("validation", iter(held_out))):
            writer = TextWriter(new, split)
            try:
                for document in documents:
                    writer.write(document)
            finally:
                writer.close()
            splits[split] = writer.tally()
        check_size(splits["train"]["documents"], splits["train"]["characters"])
        atomic_write(new / "card.json", json.dumps({"splits": splits}, indent=2) + "\n")
        write_manifest(new, kind="corpus", made_from={"text": sha256(new / "text")})
    counts = {
        f"{split}_{what}": float(tally[what])
        for split, tally in splits.items()
        for what in ("documents", "characters", "bytes")
    }
    yield Finished(stage="corpus", folder=str(folder), seconds=0.0, metrics=counts)
