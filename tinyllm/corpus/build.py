"""The corpus stage: from sources to text shards, a dataset card and a list of what was rejected."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from tinyllm.corpus.card import card_markdown
from tinyllm.corpus.document import Document, Ledger, Rejection
from tinyllm.corpus.reading import expected_size, nothing_found, read_rule, read_source
from tinyllm.corpus.reading_village import read_village, village_validation
from tinyllm.corpus.shards import TextWriter
from tinyllm.corpus.sources import VILLAGE, Source, parse_source, tell_apart
from tinyllm.corpus.splitting import ValidationChoice
from tinyllm.corpus.steps import STEPS
from tinyllm.events import Event, Finished, Notice, Progress
from tinyllm.files import TinyLLMError, atomic_folder, atomic_write, write_manifest

MINIMUM_CHARACTERS = 20_000
MINIMUM_DOCUMENTS = 2
NOTICES = 10

VILLAGE_RULE = (
    "The village writes from the seed. Nothing is filtered, and what it repeats stays: "
    "the floor under the loss is that of just this text."
)
HOW_SPLIT = {
    "village": "Village: validation is written from seeds that training does not see.",
    "read": "What was read: one document in twenty, 200 at most, chosen by the hash of its text.",
}


def build_corpus(
    folder: Path,
    sources: Sequence[str] = ("village",),
    *,
    seed: int = 0,
    characters: int = 8_000_000,
    validation_documents: int = 400,
) -> Iterator[Event]:
    """Collect text from `sources` into `folder`, which appears when all is done.

    `characters` and `validation_documents` say how much the village writes; of other sources,
    all that they give is taken, and a twentieth of the documents is kept for validation. Every
    file that cannot be read is named in `rejected.jsonl`, the first ten in a notice. A source that
    gives nothing, or less than 20,000 characters in two documents altogether, is a
    `TinyLLMError`.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> events = list(build_corpus(home / "corpus", characters=30_000, validation_documents=9))
    >>> events[-1].metrics["train_characters"] >= 30_000
    True
    >>> sorted(path.name for path in (home / "corpus").iterdir())
    ['card.json', 'card.md', 'manifest.json', 'rejected.jsonl', 'text']
    """
    started = time.monotonic()
    if min(characters, validation_documents) < 1:
        raise ValueError(
            "expected characters and validation_documents of at least 1, "
            f"got {characters} and {validation_documents}"
        )
    parsed = tell_apart([parse_source(source) for source in dict.fromkeys(sources)])
    if not parsed:
        raise TinyLLMError("No source of text was given; `village` is the default.")
    with atomic_folder(Path(folder)) as new:
        build = _Build(new, parsed, seed=seed, characters=characters)
        try:
            yield from build.village(validation_documents)
            yield from build.files()
        finally:
            build.close()
        card = build.card()
        atomic_write(new / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        atomic_write(new / "card.md", card_markdown(card))
        write_manifest(
            new,
            kind="corpus",
            made_from={"read": build.digest.hexdigest()},
            sources=list(sources),
            seed=seed,
            characters=characters,
        )
    yield Finished(
        stage="corpus",
        folder=str(folder),
        seconds=time.monotonic() - started,
        metrics={
            **{f"{s}_documents": card["splits"][s]["documents"] for s in card["splits"]},
            **{f"{s}_characters": card["splits"][s]["characters"] for s in card["splits"]},
            "rejected": card["rejected"],
        },
    )


class _Build:
    """The open files and the books of one corpus while it is being made."""

    def __init__(
        self, folder: Path, sources: Sequence[Source], *, seed: int, characters: int
    ) -> None:
        self.folder = folder
        self.seed = seed
        self.digest = hashlib.sha256()
        self.train = TextWriter(folder, "train")
        self.validation = TextWriter(folder, "validation")
        self.rejected: TextIO = (folder / "rejected.jsonl").open(
            "w", encoding="utf-8", newline="\n"
        )
        self.refused: list[Rejection] = []
        self.of_source: Counter[str] = Counter()
        self.size_of_source: Counter[str] = Counter()
        self.ledgers: list[Ledger] = []
        self._sources = sources
        self._read = [source for source in sources if source.kind != VILLAGE]
        self._village = characters if len(self._read) < len(sources) else 0
        sizes = [expected_size(source) for source in self._read]
        known = [size for size in sizes if size is not None]
        self._total = self._village + sum(known) if len(known) == len(sizes) else None
        self._started = time.monotonic()
        self._told = 0

    def village(self, validation_documents: int) -> Iterator[Event]:
        """Let the village write both splits."""
        if not self._village:
            return
        ledger = self._ledger("write", VILLAGE_RULE)
        for document in read_village(seed=self.seed, characters=self._village):
            self._count(ledger.keep(document))
            self.train.write(document)
            yield from self._progress(ledger.characters, "the village writes")
        for document in village_validation(seed=self.seed, documents=validation_documents):
            self._count(ledger.keep(document))
            self.validation.write(document)

    def files(self) -> Iterator[Event]:
        """Read what the village did not write, take it through the steps, and split it."""
        for source in self._read:
            yield Notice(
                stage="corpus",
                text=f"{source.name}: its licence is {source.licence}. "
                f"For a small model: {source.hardness}.",
            )
        if self._read:
            kept = self.folder / "kept.jsonl"
            choice = ValidationChoice(seed=self.seed)
            with kept.open("w", encoding="utf-8", newline="\n") as file:
                reading = self._ledger("read", read_rule(self._read))
                for document in self._through_the_steps(reading):
                    self._count(document)
                    choice.show(document)
                    file.write(document.to_json() + "\n")
                    yield from self._progress(self._village + reading.done, "reading")
            yield from self._notices(sum(reading.dropped.values()))
            self._check_sources()
            for_validation = choice.chosen()
            with kept.open(encoding="utf-8", newline="\n") as file:
                for document in map(Document.from_json, file):
                    (self.validation if for_validation(document) else self.train).write(document)
            kept.unlink()
        self._check_size()

    def close(self) -> None:
        """Close the files, also after an error: Windows removes no open file."""
        self.train.close()
        self.validation.close()
        self.rejected.close()

    def card(self) -> dict[str, Any]:
        """The dataset card."""
        kinds = {"village": bool(self._village), "read": bool(self._read)}
        sources = [
            {
                "name": source.name,
                "licence": source.licence,
                "hardness": source.hardness,
                "documents": self.of_source[source.name],
                "characters": self.size_of_source[source.name],
            }
            for source in self._sources
        ]
        return {
            "seed": self.seed,
            "sources": sources,
            "steps": [ledger.to_dict() for ledger in self.ledgers],
            "rejected": sum(sum(ledger.dropped.values()) for ledger in self.ledgers),
            "how_split": " ".join(HOW_SPLIT[kind] for kind, there in kinds.items() if there),
            "splits": {"train": self.train.tally(), "validation": self.validation.tally()},
        }

    def _through_the_steps(self, reading: Ledger) -> Iterator[Document]:
        documents: Iterator[Document] = chain.from_iterable(
            read_source(source, reading) for source in self._read
        )
        for name, rule, step in STEPS:
            documents = step(documents, self._ledger(name, rule))
        return documents

    def _ledger(self, step: str, rule: str) -> Ledger:
        self.ledgers.append(Ledger(step, rule, self._report))
        return self.ledgers[-1]

    def _report(self, rejection: Rejection) -> None:
        self.rejected.write(json.dumps(rejection._asdict(), ensure_ascii=False) + "\n")
        if rejection.step == "read" and len(self.refused) < NOTICES:
            self.refused.append(rejection)

    def _count(self, document: Document) -> None:
        source = document.metadata["source"]
        self.of_source[source] += 1
        self.size_of_source[source] += len(document.text)
        self.digest.update(f"{document.id}\0{document.text}\0".encode())

    def _progress(self, done: int, note: str) -> Iterator[Progress]:
        """At most a hundred events for the whole stage; one a megabyte where nobody knows its end.

        A document can be cut from a file that is not yet done: that is no news.
        """
        if done <= self._told or done - self._told < (self._total or 100_000_000) / 100:
            return
        self._told = done
        seconds = time.monotonic() - self._started
        left = None if self._total is None else max(self._total - done, 0) * seconds / done
        yield Progress(
            stage="corpus",
            done=done if self._total is None else min(done, self._total),
            total=self._total,
            unit="characters",
            note=note,
            eta_seconds=left,
        )

    def _notices(self, count: int) -> Iterator[Notice]:
        """Which files were not read, and why."""
        for rejection in self.refused:
            yield Notice(stage="corpus", text=f"Not read: {rejection.id}: {rejection.reason}.")
        if count > len(self.refused):
            rest = f"Not read: {count - len(self.refused)} more files; see rejected.jsonl."
            yield Notice(stage="corpus", text=rest)

    def _check_sources(self) -> None:
        dropped: Counter[str] = sum((ledger.dropped for ledger in self.ledgers), Counter())
        for source in self._read:
            if not self.of_source[source.name]:
                raise TinyLLMError(nothing_found(source, dropped))

    def _check_size(self) -> None:
        documents, characters = self.of_source.total(), self.size_of_source.total()
        if characters < MINIMUM_CHARACTERS or documents < MINIMUM_DOCUMENTS:
            raise TinyLLMError(
                f"The text is too small to train on: {characters:,} characters in {documents} "
                f"{'document' if documents == 1 else 'documents'} came through, and at least "
                f"{MINIMUM_CHARACTERS:,} characters in {MINIMUM_DOCUMENTS} documents are needed. "
                "Add more text, or add --from village."
            )
