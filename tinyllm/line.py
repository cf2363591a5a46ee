"""The whole line: six stages, each from the artefacts of the one before, as one stream of events.

`train_line` is what `tinyllm train` runs: every stage within the minutes that the learner gave.
`make` runs one stage of a run, as the notebooks and the Train page do; what the run lacks is read
from `default`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from tinyllm.events import STAGES, Event, Finished
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import SIZES
from tinyllm.runs import DEFAULT, Run, find
from tinyllm.stages import VILLAGE, Inputs, stage_events
from tinyllm.training.presets import PRESETS
from tinyllm.training.world import World
from tinyllm.turns import take_turns, training

MINUTES = 5.0
MOST_MINUTES = 60.0 * 24 * 7
SHARES = {"base": 0.50, "chat": 0.26, "reward": 0.06, "aligned": 0.18}
"""How the minutes are divided. The text and the tokenizer come before them: a large folder takes
long to read, and that must not be at the cost of the training. What the minutes are enough for, and
what not yet, stands in `bench/RESULTS.md`."""

SHARED = ("base",)
"""The stages in which the processes of torchrun compute together; the others are short."""

KEPT = ("minutes", "size", "steps", "sources", "weights", "villagers", "seed")
"""The settings that a run keeps from its first stage on."""

NEEDS = {
    "corpus": (),
    "tokenizer": ("corpus",),
    "base": ("corpus", "tokenizer"),
    "chat": ("base",),
    "reward": ("chat",),
    "aligned": ("chat", "reward"),
}
"""The stages whose artefacts a stage reads."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What `tinyllm train` was asked for; None means: as the run has it, else the default."""

    minutes: float | None = None
    size: str | None = None
    steps: int | None = None
    sources: tuple[str, ...] | None = None
    weights: tuple[float, ...] | None = None
    villagers: tuple[str, ...] | None = None
    until: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes <= MOST_MINUTES:
            raise UsageError(f"--minutes must be above 0 and at most a week, got {self.minutes}.")
        if self.steps is not None and self.minutes is not None:
            raise UsageError("Give --minutes or --steps, not both.")
        if self.steps is not None and self.size is None:
            raise UsageError("--steps needs a size of model: --size tiny --steps 2000.")
        if self.size is not None and self.steps is None and self.minutes is None:
            raise UsageError("--size needs --steps or --minutes: --size tiny --steps 2000.")
        if self.size in PRESETS and self.steps is None:
            raise UsageError(f"--size {self.size} needs --steps, which no minutes can settle.")
        if self.size is not None and self.size not in (*SIZES, *PRESETS):
            sizes = ", ".join((*SIZES, *PRESETS))
            raise UsageError(f"--size is one of {sizes}; got {self.size!r}.")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"--steps must be at least 1, got {self.steps}.")
        if self.weights is not None:
            self._check_weights(self.weights)
        if self.villagers:
            _check_villagers(self.villagers, self.sources)
        if self.until is not None and self.until not in STAGES:
            raise UsageError(f"--until is one of {', '.join(STAGES)}; got {self.until!r}.")

    def _check_weights(self, weights: tuple[float, ...]) -> None:
        sources = tuple(dict.fromkeys(self.sources or ()))
        if len(weights) != len(sources) or not all(0 < w < float("inf") for w in weights):
            raise UsageError(
                f"Give one --weight above 0 for each --from, in their order; got {len(weights)} "
                f"({_words(weights)}) for {len(sources)} sources."
            )

    def resolved(self, run: Run) -> Settings:
        """These settings, completed by those the run was begun with and by the defaults.

        A run keeps what it was begun with: another seed or source would make its later stages
        disagree with the earlier ones, so it is refused with a sentence. As long as the run has
        made nothing, what is asked for now counts alone.
        """
        asked = {name: getattr(self, name) for name in KEPT if getattr(self, name) is not None}
        begun = None if asked and not run.stages_done() else _begun(run)
        if self.sources and (begun is None or self.sources != begun.sources):
            _check_sources(self.sources)
        if begun is not None:
            assert begun.sources is not None
            for name, value in asked.items():
                had = getattr(begun, name)
                if value != had:
                    raise UsageError(
                        f"Run {run.name} was begun with {name} {_words(had)}, not "
                        f"{_words(value)}. Leave --{_option(name)} out to go on with it, train "
                        "another run with --run NAME, or begin again with --restart."
                    )
            return replace(begun, until=self.until or _end(begun.sources))
        sources = self.sources or ("village",)
        minutes = None if self.steps else (self.minutes or MINUTES)
        until = self.until or _end(sources)
        if until not in ("corpus", "tokenizer", "base") and "village" not in sources:
            raise UsageError(
                f"--until {until} needs instructions to learn from, and {', '.join(sources)} "
                "brings none. Use --until base, or add --from village."
            )
        return replace(self, minutes=minutes, sources=sources, until=until, seed=self.seed or 0)


def _begun(run: Run) -> Settings | None:
    """What `run` was begun with; None for a new one."""
    kept: dict[str, Any] = run.settings().get("settings", {})
    if not kept:
        return None
    try:
        weights = kept.get("weights")
        return Settings(
            **{
                **kept,
                "sources": tuple(kept["sources"]),
                "villagers": tuple(kept["villagers"]) if kept.get("villagers") else None,
                "weights": tuple(weights) if weights else None,
            }
        )
    except (TypeError, KeyError) as error:
        raise TinyLLMError(
            f"{run.settings_path} is not as this version of tinyllm writes it ({error}). Train "
            f"another run with --run NAME, or begin again: `tinyllm train --run {run.name} "
            "--restart`."
        ) from error


def _check_villagers(villagers: Sequence[str], sources: Sequence[str] | None) -> None:
    from tinyllm.village import read_villagers

    if sources and VILLAGE not in sources:
        raise UsageError(
            f"--villager moves somebody into the village, and {', '.join(sources)} has none. "
            "Add --from village."
        )
    read_villagers(villagers)


def _check_sources(sources: Sequence[str]) -> None:
    from tinyllm.corpus.sources import parse_source

    for source in sources:
        parse_source(source)


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _option(name: str) -> str:
    return {"sources": "from", "weights": "weight", "villagers": "villager"}.get(name, name)


def _end(sources: Sequence[str]) -> str:
    """How far a text goes by itself: only the village brings instructions with it."""
    return "aligned" if "village" in sources else "base"


def train_line(run: Run, settings: Settings, *, restart: bool = False) -> Iterator[Event]:
    """Every stage of `run` up to the one asked for; what is done is not done again.

    Closing the stream keeps the work: the next call goes on where this one stopped. Where torchrun
    started several processes, the first does all and the others help it to pretrain.
    """
    world = World.joined()
    if not world.first:
        _help_out(run, settings, world)
        return
    with training(run):
        if restart:
            run.forget("corpus")
            run.settings_path.unlink(missing_ok=True)
        chosen = settings.resolved(run)
        assert chosen.until is not None
        if not run.stages_done():
            run.keep_settings({"settings": {**asdict(chosen), "until": None}})
        ends: float | None = None
        last = STAGES.index(chosen.until)
        for stage in STAGES[: last + 1]:
            if run.done(stage):
                continue
            run.check_version(stage)
            seconds = None
            if chosen.minutes and stage in SHARES:
                if ends is None:  # the clock starts when the training does
                    ends = time.monotonic() + chosen.minutes * 60
                ahead = [s for s in STAGES[: last + 1] if s in SHARES and not run.done(s)]
                seconds = _seconds(run, stage, ends - time.monotonic(), ahead)
            if stage in SHARED:
                world.agree([stage, seconds])
            inputs = Inputs.of(run, chosen, seconds)
            yield from _watched(run, stage, stage_events(run, stage, inputs))
        world.agree(None)


def _help_out(run: Run, settings: Settings, world: World) -> None:
    """Compute along in the stages that the first process calls out, until there are no more."""
    while (called := world.agree(None)) is not None:
        stage, seconds = called
        inputs = Inputs.of(run, settings.resolved(run), seconds)
        for _ in stage_events(run, stage, inputs):
            pass


def _seconds(run: Run, stage: str, left: float, ahead: Sequence[str]) -> float:
    """The seconds of a stage, chosen when it begins and kept for a resume."""
    kept: dict[str, float] = run.settings().get("seconds", {})
    if stage not in kept:
        kept[stage] = max(left, 5.0) * SHARES[stage] / sum(SHARES[s] for s in ahead)
        run.keep_settings({"seconds": kept})
    return kept[stage]


def _watched(run: Run, stage: str, events: Iterator[Event]) -> Iterator[Event]:
    """Record what passes, and let a run that began later go first."""
    with closing(take_turns(run, events, stage=stage)) as turns:
        for event in turns:
            run.record(event)
            yield event


def missing_before(run: Run, stage: str) -> str | None:
    """The first stage that must be made before `stage` can be, in `run` or in `default`."""
    for needed in NEEDS[stage]:
        if find(run, needed) is None:
            return missing_before(run, needed) or needed
    return None


def make(
    run: Run,
    stage: str,
    *,
    seconds: float | None = None,
    seed: int = 0,
    sources: Sequence[str] = (VILLAGE,),
    again: bool = False,
) -> Iterator[Event]:
    """One stage of `run`, reading what it needs from `run`, else from `default`.

    `seconds` bounds the training. With `again`, a finished stage (and what was made from it) is
    forgotten first; an interrupted one goes on.
    """
    lacking = missing_before(run, stage)
    if lacking is not None:
        raise TinyLLMError(
            f"{stage} needs {lacking}, which neither run {run.name} nor run {DEFAULT} has yet. "
            f"Make {lacking} first."
        )
    with training(run):
        if run.done(stage):
            if not again:
                return
            run.forget(stage)
        run.check_version(stage)
        chosen = Settings(minutes=(seconds or 60) / 60, sources=tuple(sources), seed=seed)
        inputs = Inputs.of(run, chosen, seconds)
        yield from _watched(run, stage, stage_events(run, stage, inputs))


def align_with_feedback(
    run: Run,
    *,
    method: str | None = None,
    minutes: float = 1.5,
    seed: int = 0,
    into: dict[str, Any] | None = None,
) -> Iterator[Event]:
    """From all valid feedback to a new policy version, promoted or rolled back.

    `into` receives what a report needs: the version's name, its metrics, whether it was promoted.
    """
    from tinyllm.alignment import METHODS
    from tinyllm.stages import feedback_events

    if method is not None and method not in METHODS:
        raise UsageError(f"There is no --method {method}. There are: {', '.join(METHODS)}.")
    if not 0 < minutes <= MOST_MINUTES:
        raise UsageError(f"--minutes must be above 0 and at most a week, got {minutes}.")
    if find(run, "chat") is None:  # before a folder is made for a run that was mistyped
        raise TinyLLMError(
            f"Run {run.name} has no chat model yet, the anchor that alignment starts from. "
            f"`tinyllm train --run {run.name} --until chat` makes it."
        )
    with training(run):
        events = feedback_events(run, method=method, seconds=minutes * 60, seed=seed)
        for event in _watched(run, "aligned", events):
            if into is not None and isinstance(event, Finished):
                into |= {"version": event.folder, "metrics": dict(event.metrics)}
            yield event
