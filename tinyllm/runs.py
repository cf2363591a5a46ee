"""One folder per model: what is done, from what it was made, where it lies.

`default` is the run that the program trains; `mine` is the one that the notebooks and the Train
page write, stage by stage. What `mine` lacks is read from `default`. `grown-up` came with tinyllm:
its models were trained beforehand, and are only asked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyllm.alignment.versions import current, list_versions
from tinyllm.events import STAGES, Event, Page, from_dict, to_dict
from tinyllm.files import (
    TinyLLMError,
    UsageError,
    VersionError,
    atomic_write,
    explain,
    read_manifest,
    sha256,
)
from tinyllm.files import home as home

DEFAULT = "default"
MINE = "mine"
COMPARISONS = "comparisons"
GROWN_UP = "grown-up"
PACKED = Path(__file__).resolve().parent / GROWN_UP
"""The models of the run `grown-up`, a folder each: `bench/grown_up.py` made them."""


def pace() -> float:
    """The factor on every training budget of notebooks and apps: `TINYLLM_PACE`, 1 by default."""
    text = os.environ.get("TINYLLM_PACE", "1")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 100:
        raise UsageError(f"TINYLLM_PACE must be a number above 0 and at most 100, got {text!r}.")
    return value


@dataclass(frozen=True)
class Run:
    """The folder of one model and the names of what lies in it."""

    root: Path

    @classmethod
    def named(cls, name: str = DEFAULT) -> Run:
        """The run `name` in the home folder, whether or not anything has been made in it yet."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
            raise UsageError(
                "A run's name is letters, digits, '.', '_' and '-', at most 64 of them, "
                f"beginning with a letter or a digit; got {name!r}."
            )
        return cls(home() / "runs" / name)

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.root.name

    @property
    def corpus(self) -> Path:
        """Text shards and the dataset card."""
        return self.folder("corpus")

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, and the corpus as token shards."""
        return self.folder("tokenizer")

    @property
    def base(self) -> Path:
        """The pretrained model."""
        return self.folder("base")

    @property
    def chat(self) -> Path:
        """The fine-tuned model: the anchor from which every policy grows."""
        return self.folder("chat")

    @property
    def reward(self) -> Path:
        """The reward model."""
        return self.folder("reward")

    @property
    def aligned(self) -> Path:
        """The policy versions, v001, v002, …, and `current`, which names the one in use."""
        return self.root / "aligned"

    @property
    def settings_path(self) -> Path:
        """What was asked for and planned: read by a resume."""
        return self.root / "run.json"

    def folder(self, stage: str) -> Path:
        """The folder in which `stage` leaves its artefact."""
        if stage not in STAGES:
            raise UsageError(f"A stage is one of {', '.join(STAGES)}; got {stage!r}.")
        if self.name == GROWN_UP and (PACKED / stage).is_dir():
            return PACKED / stage
        return self.root / stage

    def state(self, stage: str) -> Path:
        """The file from which an interrupted `stage` goes on."""
        return self.root / "state" / f"{stage}.safetensors"

    def model(self, stage: str | None = None) -> Path:
        """The model folder of `base`, `chat`, `reward` or `aligned` (its current version).

        None means the furthest one there is. A stage that has not been made is a `TinyLLMError`.
        """
        if stage is None:
            made = [s for s in ("aligned", "chat", "base") if self.in_use(s) is not None]
            if not made:
                until = f" Until then, --run {GROWN_UP} asks the one that came with tinyllm."
                raise TinyLLMError(
                    f"Run {self.name} holds no model yet. `tinyllm train --run {self.name}` "
                    f"makes one in about five minutes.{until if PACKED.is_dir() else ''}"
                )
            stage = made[0]
        folder = self.in_use(stage)
        if folder is not None:
            return folder
        if self.done(stage):
            raise TinyLLMError(
                f"No aligned version of run {self.name} is in use: the gate held them back, or "
                "they were rolled back. The chat model answers; ask for it with --stage chat."
            )
        self.check_version(stage)
        raise TinyLLMError(
            f"Run {self.name} has no {stage} model yet. "
            f"`tinyllm train --run {self.name} --until {stage}` makes it."
        )

    def in_use(self, stage: str) -> Path | None:
        """The whole model folder that `stage` means now; None where there is none."""
        folder: Path | None = self.folder(stage)
        if stage == "aligned":
            folder = current(self.aligned)
        return folder if folder is not None and _is_whole(folder) else None

    def done(self, stage: str) -> bool:
        """Whether `stage` has left a whole artefact of this version.

        `aligned` is done when a version was made, whether or not the gate let it into use.
        """
        if stage == "aligned":
            return bool(list_versions(self.aligned))
        return _is_whole(self.folder(stage))

    def check_version(self, stage: str) -> None:
        """Refuse the artefact of another version: to make the stage anew would replace it."""
        try:
            read_manifest(self.folder(stage))
        except VersionError:
            raise
        except TinyLLMError:
            return

    def stages_done(self) -> list[str]:
        """The stages whose artefact is whole, in their order."""
        return [stage for stage in STAGES if self.done(stage)]

    def settings(self) -> dict[str, Any]:
        """What `run.json` holds; empty for a new run."""
        try:
            values: dict[str, Any] = json.loads(self.settings_path.read_text(encoding="utf-8"))
            if not isinstance(values, dict):
                raise ValueError(f"expected an object, got {type(values).__name__}")
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise TinyLLMError(
                f"{self.settings_path} cannot be read ({error}). Start the run afresh with "
                f"`tinyllm train --run {self.name} --restart`."
            ) from error
        return values

    def keep_settings(self, values: Mapping[str, Any]) -> None:
        """Add `values` to `run.json`."""
        merged = {**self.settings(), **values}
        atomic_write(self.settings_path, json.dumps(merged, indent=2, sort_keys=True) + "\n")

    @property
    def album_path(self) -> Path:
        """The album's pages, a JSON line each."""
        return self.root / "album.jsonl"

    def record(self, event: Event) -> None:
        """Append one event to `metrics/<stage>.jsonl`, and a page to the album, too."""
        line = json.dumps(to_dict(event)) + "\n"
        _append(line, self.root / "metrics" / f"{event.stage}.jsonl")
        if isinstance(event, Page):
            _append(line, self.album_path)

    def events(self, stage: str) -> list[Event]:
        """The recorded events of `stage`, oldest first; a line that a crash cut off is left out."""
        return list(_read_events(self.root / "metrics" / f"{stage}.jsonl"))

    def album(self) -> list[Page]:
        """The pages of the album by stage and step; one that a resumed run took anew counts once.

        `stage`, `prompt` and `step` of a page tell it from all others.
        """
        pages = [event for event in _read_events(self.album_path) if isinstance(event, Page)]
        once = {(page.stage, page.step, page.prompt): page for page in pages}
        return sorted(once.values(), key=lambda page: (STAGES.index(page.stage), page.step))

    def forget(self, stage: str) -> None:
        """Remove artefact, state, metrics and pages of `stage` and of every stage made from it."""
        gone = STAGES[STAGES.index(stage) :]
        if kept_pages := [page for page in self.album() if page.stage not in gone]:
            lines = [json.dumps(to_dict(page)) + "\n" for page in kept_pages]
            atomic_write(self.album_path, "".join(lines))
        else:
            self.album_path.unlink(missing_ok=True)
        for later in gone:
            shutil.rmtree(self.folder(later), ignore_errors=True)
            for kept in self.state(later).parent.glob(f"{later}.*"):
                kept.unlink(missing_ok=True)
            (self.root / "metrics" / f"{later}.jsonl").unlink(missing_ok=True)


def _append(line: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise explain(error, path) from error


def _read_events(path: Path) -> Iterator[Event]:
    """The events in a file of JSON lines, without those that cannot be read."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield from_dict(json.loads(line))
            except (ValueError, TypeError):
                continue


def _is_whole(folder: Path) -> bool:
    try:
        read_manifest(folder)
    except TinyLLMError:
        return False
    return True


def find(run: Run, stage: str) -> Run | None:
    """The run that has `stage`: `run` itself, else `default`, else None."""
    for candidate in (run, Run.named(DEFAULT)):
        if candidate.done(stage):
            return candidate
    return None


def encoded_for(run: Run, model: Path) -> Path | None:
    """The text of `run`, else of `default`, in the tokens of the model in the folder `model`.

    None where neither has it: another tokenizer cuts another text into other numbers.
    """
    wanted = sha256(model / "tokenizer.json")
    for owner in dict.fromkeys((run, Run.named(DEFAULT))):
        if owner.done("tokenizer") and sha256(owner.tokenizer / "tokenizer.json") == wanted:
            return owner.tokenizer
    return None


def all_runs() -> Iterator[Run]:
    """Every run in the home folder, by name."""
    yield from _folders(home() / "runs")


def comparisons() -> Iterator[Run]:
    """The folders of `tinyllm compare`, by name: they train too, and take turns with the runs."""
    yield from _folders(home() / COMPARISONS)


def _folders(folder: Path) -> Iterator[Run]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield Run(path)
