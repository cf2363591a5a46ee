"""The subcommands `tinyllm feedback …`, and what all commands share.

`align`, `compare` and `doctor` are here because cli.py has no room for them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from tinyllm.files import TinyLLMError, UsageError

if TYPE_CHECKING:
    from tinyllm.alignment import FeedbackStore

feedback_app = typer.Typer(help="Thumbs, pairs and edits: what you told the model.")

SeedOption = Annotated[int, typer.Option("--seed", help="The seed of every random choice.")]
MethodOption = Annotated[
    str | None,
    typer.Option(
        help="rejection (where votes lead), rloo, ppo or dpo; for the curious reinforce, grpo, kto."
    ),
]
VillagerOption = Annotated[
    list[str] | None,
    typer.Option("--villager", help='Moves in: "Mina keeps bees and is afraid of geese."'),
]
StageOption = Annotated[
    str | None, typer.Option("--stage", help="base, chat, aligned, or a model folder.")
]
RunOption = Annotated[str, typer.Option("--run", help="The run's name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]


def print_json(value: Any) -> None:
    """Print one JSON object on a line of standard output, in ASCII where that is not UTF-8."""
    utf8 = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(value, ensure_ascii=not utf8) + "\n")
    sys.stdout.flush()


def not_yet(what: str, exists: str) -> NoReturn:
    """Refuse what a later edition brings, naming what exists (exit code 2)."""
    raise UsageError(f"{what} is not part of this edition. What exists: {exists}.")


def choose(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of `choices`."""
    if value is not None and value not in choices:
        raise UsageError(f"{name} is one of {', '.join(choices)}; got {value!r}.")


def read_prompts(prompt: str | None, file: Path | None) -> list[str]:
    """The prompts of a command: the one that was typed, or those in a file."""
    if (prompt is None) == (file is None):
        raise UsageError('Give one PROMPT or --prompts FILE: tinyllm generate "The sky is"')
    if file is None:
        return [_text(prompt or "")]
    try:
        rows = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise TinyLLMError(f"{file} is not UTF-8 text ({error}); save it as UTF-8.") from None
    except OSError as error:
        raise TinyLLMError(f"Could not read {file}: {error.strerror or error}.") from None
    return [_prompt_of(row, file, number) for number, row in enumerate(rows, 1) if row.strip()]


def _prompt_of(row: str, file: Path, number: int) -> str:
    if not row.lstrip().startswith("{"):
        return row
    try:
        prompt = json.loads(row)["prompt"]
    except (ValueError, KeyError):
        prompt = None
    if not isinstance(prompt, str):
        raise UsageError(
            f'{file}, line {number}: expected JSON with "prompt", a text; got {row[:60]!r}.'
        )
    return _text(prompt)


def _text(typed: str) -> str:
    """What was typed, less what UTF-8 cannot write: bytes of another encoding, half a character."""
    from tinyllm.tokens.alphabet import well_formed

    return well_formed(typed)


def compare(
    pair: Annotated[str, typer.Argument(help="filters, duplicates, tenth, one-voice …")],
    minutes: Annotated[float, typer.Option(help="How long each training takes.")] = 1.0,
    seed: SeedOption = 0,
    controls: Annotated[int, typer.Option(help="Trainings more, with other seeds.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Train the same model on two variants of the data, and say what the difference did."""
    from tinyllm.effects import Compared, compare_pair, comparison_folder
    from tinyllm.terminal import Terminal, shorten

    with Terminal() as terminal:
        for event in compare_pair(pair, minutes=minutes, seed=seed, controls=controls):
            terminal.show(event)
            if isinstance(event, Compared):
                found = event.comparison
    folder = comparison_folder(pair, minutes=minutes, seed=seed)
    if as_json:
        print_json({"pair": pair, "folder": str(folder), **found.to_dict()})
    else:
        terminal.table(f"{pair}: {found.steps:,} steps each", found.COLUMNS, found.rows())
        names = (found.first.name, found.second.name)
        terminal.table("What they write", ("", *names), found.samples(shorten))
        terminal.say(f"{found.sentence}\nModels and samples: {folder}")


def align(
    run: RunOption = "default",
    method: MethodOption = None,
    minutes: Annotated[float, typer.Option(help="How long you have.")] = 1.5,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """From all valid feedback to a new version of the model, promoted or rolled back."""
    from tinyllm.line import align_with_feedback
    from tinyllm.runs import Run
    from tinyllm.terminal import Terminal

    report: dict[str, Any] = {}
    with Terminal() as terminal:
        events = align_with_feedback(
            Run.named(run), method=method, minutes=minutes, seed=seed, into=report
        )
        for event in events:
            terminal.show(event)
    if as_json:
        print_json(report)


def doctor(as_json: JsonOption = False) -> None:
    """Check this machine: what it is, whether it computes rightly, and what to expect of it."""
    from rich.console import Console

    from tinyllm.doctor import SECONDS, conclude, examine
    from tinyllm.terminal import checked

    console = Console(stderr=as_json, highlight=False)
    console.print(f"About {SECONDS} seconds; what takes longest comes last.\n", style="dim")
    found = []
    with console.status("examining …"):
        for check in examine():
            found.append(check)
            console.print(checked(check.name, check.value, check.state, check.advice))
    sentence = conclude(found)
    ok = all(check.state != "wrong" for check in found)
    if as_json:
        print_json({"checks": [asdict(check) for check in found], "ok": ok, "sentence": sentence})
    console.print()
    if not ok:
        raise TinyLLMError(sentence)
    console.print(sentence)


def _store() -> FeedbackStore:
    from tinyllm.alignment import FeedbackStore
    from tinyllm.answering import feedback_database

    return FeedbackStore(feedback_database())


@feedback_app.command("add")
def feedback_add(
    prompt: Annotated[str, typer.Option(help="What was asked.")],
    completion: Annotated[str, typer.Option(help="What was answered.")],
    thumb: Annotated[str, typer.Option(help="up or down.")],
) -> None:
    """Keep one thumb."""
    from tinyllm.alignment.contradictions import told_of

    choose("--thumb", thumb, ("up", "down"))
    if not prompt.strip():
        raise UsageError("--prompt is what was asked, and it is empty. Give the question itself.")
    store = _store()
    record = store.add_thumb(_text(prompt), _text(completion), 1 if thumb == "up" else -1)
    typer.echo("\n".join([f"Kept as {record.id}.", *told_of(store.list(), {record.id})]))


@feedback_app.command("import")
def feedback_import(file: Path) -> None:
    """Read JSON lines: prompt, completion, label; or prompt, chosen, rejected."""
    from tinyllm.alignment.contradictions import contradictions, told

    store = _store()
    imported = f"{store.import_file(file)} records imported."
    typer.echo("\n".join([imported, *told(contradictions(store.list()))]))


@feedback_app.command("list")
def feedback_list(as_json: JsonOption = False) -> None:
    """Every record, oldest first."""
    for record in _store().list():
        if as_json:
            print_json(asdict(record))
        else:
            verdict = {1: "up", -1: "down"}.get(record.value or 0, record.choice or "")
            typer.echo(f"{record.id}  {record.kind:<10} {verdict:<5} {record.prompt[:60]!r}")


@feedback_app.command("stats")
def feedback_stats(run: RunOption = "default", as_json: JsonOption = False) -> None:
    """How many records of each kind, how many of them count for a run, and which contradict."""
    from tinyllm.alignment.contradictions import contradictions, told
    from tinyllm.answering import lineage
    from tinyllm.runs import Run

    store, hashes = _store(), lineage(Run.named(run))
    values, found = store.stats(hashes), contradictions(store.list(), hashes)
    if as_json:
        print_json({**values, "contradictions": [each.ids for each in found]})
    else:
        typer.echo("\n".join([*(f"{k}: {v}" for k, v in values.items()), *told(found, len(found))]))


@feedback_app.command("export")
def feedback_export(
    format_: Annotated[str, typer.Option("--format", help="trl.")] = "trl",
) -> None:
    """JSON lines for TRL: prompt, completion, label; or prompt, chosen, rejected."""
    choose("--format", format_, ("trl",))
    for line in _store().export():
        typer.echo(line)


@feedback_app.command("delete")
def feedback_delete(ids: list[str]) -> None:
    """Remove records for good; the next alignment is trained as if they had never been given."""
    typer.echo(f"{_store().delete(ids)} records deleted.")
