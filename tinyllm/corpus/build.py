"""The corpus stage: from sources to text shards, a dataset card and a list of what was rejected."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, TextIO

from tinyllm.corpus.card import card_markdown
from tinyllm.corpus.checking import NOTICES, check_size, check_sources, notices
from tinyllm.corpus.document import Document, Ledger, Rejection
from tinyllm.corpus.mixing import MANY_TIMES, check_weights, shares, times
from tinyllm.corpus.parallel import WORTH_IT, choose_workers, clean_documents
from tinyllm.corpus.pipeline import STATELESS, TOGETHER, classes_of, scopes
from tinyllm.corpus.reading import expected_size, read_rule, read_source
from tinyllm.corpus.reading_folder import page_bytes
from tinyllm.corpus.reading_village import VILLAGE_RULE, read_village, village_validation
from tinyllm.corpus.shards import TextWriter
from tinyllm.corpus.sources import VILLAGE, Source, parse_source, tell_apart
from tinyllm.corpus.splitting import ValidationChoice
from tinyllm.events import Event, Finished, Notice, Progress
from tinyllm.files import TinyLLMError, atomic_folder, atomic_write, write_manifest

HOW_SPLIT = {
    "village": "Village: validation is written from seeds that training does not see.",
    "read": "What was read: one document in twenty, 200 at most, by the hash of its text.",
}


def build_corpus(
    folder: Path,
    sources: Sequence[str] = ("village",),
    *,
    seed: int = 0,
    characters: int = 8_000_000,
    validation_documents: int = 400,
    weights: Mapping[str, float] | None = None,
    filters: Mapping[str, bool] | None = None,
    workers: int | None = None,
    villagers: Sequence[str] = (),
) -> Iterator[Event]:
    """Collect text from `sources` into `folder`, which appears when all is done.

    `characters` and `validation_documents` say how much the village writes; of files, everything
    is taken, and a twentieth of the documents is kept for validation. Every file that cannot be
    read is named in `rejected.jsonl`, the first ten in a notice. A source that gives nothing, or
    less than 20,000 characters in two documents altogether, is a `TinyLLMError`.

    `weights` gives each source, by its name in `sources`, its share of the training text: a file's
    source is sampled or repeated to reach it, the village writes less or more; together they keep
    their size. `filters` turns steps on (for all texts) or off by name; without it, each judges the
    texts that `pipeline.JUDGED` names. `workers` is the number of processes that clean pages; None:
    as many as are worth starting; the result is the same. `villagers` move into the village.

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
    parsed = {source: parse_source(source) for source in dict.fromkeys(sources)}
    if not parsed:
        raise TinyLLMError("No source of text was given; `village` is the default.")
    if weights is not None:
        check_weights(weights, list(parsed))
    scopes(filters)  # an unknown filter is refused before anything is read
    with atomic_folder(Path(folder)) as new:
        build = _Build(
            new, parsed, seed=seed, characters=characters, weights=weights, villagers=villagers
        )
        try:
            yield from build.read(filters, workers)
            yield from build.write(validation_documents)
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
            weights=dict(weights) if weights else None,
            filters=dict(filters) if filters else None,
            villagers=list(villagers),
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
        self,
        folder: Path,
        sources: Mapping[str, Source],
        *,
        seed: int,
        characters: int,
        weights: Mapping[str, float] | None,
        villagers: Sequence[str],
    ) -> None:
        self.folder = folder
        self.villagers = villagers
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
        self.lengths: Counter[int] = Counter()
        self.ledgers: list[Ledger] = []
        in_order = sorted(sources, key=lambda given: sources[given].kind != VILLAGE)
        self._sources = tell_apart(list(sources.values()))
        self._read = [source for source in self._sources if source.kind != VILLAGE]
        self._village = characters if len(self._read) < len(self._sources) else 0
        self._read_total: int | None = 0
        self._total: int | None = self._village
        self._shares = {
            source.name: shares(weights)[given]
            for source, given in zip(self._sources, in_order, strict=True)
            if weights is not None
        }
        self._rates: dict[str, float] = {}
        self._choice = ValidationChoice(seed=seed)
        self._started = time.monotonic()
        self._told = 0

    @property
    def _kept(self) -> Path:
        """Where documents wait between the passes: weights need to know how many there are."""
        return self.folder / "kept.jsonl"

    def read(self, filters: Mapping[str, bool] | None, workers: int | None) -> Iterator[Event]:
        """The first pass: read what the village does not write, and take it through the steps."""
        if not self._read:
            return
        for source in self._read:
            yield Notice(
                stage="corpus",
                text=f"{source.name}: its licence is {source.licence}. "
                f"For a small model: {source.hardness}.",
            )
        self._measure()
        reading = self._ledger("read", read_rule(self._read))
        if workers is None:
            folders = [source.path for source in self._read if source.path]
            workers = choose_workers(page_bytes(folders, enough=WORTH_IT))
        with self._kept.open("w", encoding="utf-8", newline="\n") as file:
            for document in self._through_the_steps(reading, filters, workers):
                self._count(document)
                self._choice.show(document)
                file.write(document.to_json() + "\n")
                note = "pass 1 of 2: reading and cleaning"
                yield from self._progress(reading.done, note)
        yield from notices(self.refused, sum(reading.dropped.values()))
        check_sources(self._read, self.of_source, self.ledgers)

    def _measure(self) -> None:
        """How much there is to read: it takes seconds where there are many files."""
        sizes = [expected_size(source) for source in self._read]
        known = [size for size in sizes if size is not None]
        self._read_total = sum(known) if len(known) == len(sizes) else None
        self._total = None if self._read_total is None else self._village + self._read_total

    def write(self, validation_documents: int) -> Iterator[Event]:
        """The second pass: both splits, each source in its share."""
        self._set_rates()
        yield from self._write_village(validation_documents)
        if self._read:
            yield from self._write_files()
            self._kept.unlink()
        check_size(self.of_source.total(), self.size_of_source.total())

    def _write_village(self, validation_documents: int) -> Iterator[Event]:
        if not self._village:
            return
        ledger = self._ledger("write", VILLAGE_RULE)
        self.ledgers.insert(0, self.ledgers.pop())
        characters = max(int(self._village * self._rates.get("village", 1.0)), 1)
        before = self._told if self._read_total is None else self._read_total
        for document in read_village(
            seed=self.seed, characters=characters, villagers=self.villagers
        ):
            self._count(ledger.keep(document))
            self.train.write(document)
            done = before + ledger.characters * self._village // characters
            yield from self._progress(done, "the village writes")
        for document in village_validation(seed=self.seed, documents=validation_documents):
            self._count(ledger.keep(document))
            self.validation.write(document)

    def _write_files(self) -> Iterator[Event]:
        """Validation once; training text as often as the rate of its source says, in rounds."""
        for_validation = self._choice.chosen()
        again = True
        for number in count(1):
            if not again:
                return
            again = False
            with self._kept.open(encoding="utf-8", newline="\n") as file:
                for document in map(Document.from_json, file):
                    rate = self._rates.get(document.metadata["source"], 1.0)
                    often = times(document, rate, seed=self.seed)
                    if for_validation(document):
                        if number == 1:
                            self.validation.write(document)
                    elif often >= number:
                        self.train.write(document)
                        again = again or often > number
            note = f"pass 2 of 2: writing, round {number}"
            done = self._told if self._total is None else self._total
            yield Progress(stage="corpus", done=done, total=self._total, note=note, eta_seconds=0.0)
            if number == MANY_TIMES + 1:
                yield Notice(stage="corpus", text=self._often_repeated())

    def _often_repeated(self) -> str:
        names = ", ".join(n for n, rate in self._rates.items() if rate > MANY_TIMES)
        return (
            f"To reach its share, {names} is repeated more than {MANY_TIMES} times, and from there "
            "on a repetition teaches little (Muennighoff et al. 2023). Give it less weight, or "
            "more text."
        )

    def _set_rates(self) -> None:
        """How often each source is written: so that all keep their size together."""
        if not self._shares:
            return
        sizes = {source.name: self.size_of_source[source.name] for source in self._sources}
        if self._village:
            sizes["village"] = self._village
        total = sum(sizes.values())
        self._rates = {name: self._shares[name] * total / sizes[name] for name in sizes}

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
                **self._mix(source.name),
            }
            for source in self._sources
        ]
        return {
            "seed": self.seed,
            "sources": sources,
            "steps": [
                {**ledger.to_dict(), "judges": classes_of(ledger.judges)} for ledger in self.ledgers
            ],
            "lengths": {str(length): self.lengths[length] for length in sorted(self.lengths)},
            "rejected": sum(sum(ledger.dropped.values()) for ledger in self.ledgers),
            "how_split": " ".join(HOW_SPLIT[kind] for kind, there in kinds.items() if there),
            "splits": {"train": self.train.tally(), "validation": self.validation.tally()},
        }

    def _mix(self, name: str) -> dict[str, float]:
        """The share of a source, and how often each of its documents is written on average."""
        if not self._shares:
            return {}
        return {"share": round(self._shares[name], 4), "times": round(self._rates[name], 3)}

    def _through_the_steps(
        self, reading: Ledger, filters: Mapping[str, bool] | None, workers: int
    ) -> Iterator[Document]:
        documents: Iterator[Document] = chain.from_iterable(
            read_source(source, reading) for source in self._read
        )
        judged = scopes(filters, {source.name: source.kind for source in self._read})
        ledgers = [self._ledger(name, rule) for name, rule, _ in (*STATELESS, *TOGETHER)]
        for ledger in ledgers:
            ledger.judges = judged[ledger.step]
        documents = clean_documents(documents, ledgers[: len(STATELESS)], workers=workers)
        for (_, _, step), ledger in zip(TOGETHER, ledgers[len(STATELESS) :], strict=True):
            documents = step(documents, ledger)
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
        self.lengths[2 ** max(len(document.text) - 1, 0).bit_length()] += 1
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
