"""`tinyllm`: the whole line from the terminal.

Exit code 0: done; 1: failed, with one clear sentence; 2: wrong usage; 130: stopped by Ctrl-C with
the work so far kept. With `--json`, standard output holds JSON alone.
"""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tinyllm.bench_commands import bench_app
from tinyllm.commands import (
    JsonOption,
    RunOption,
    SeedOption,
    StageOption,
    VillagerOption,
    align,
    compare,
    doctor,
    feedback_app,
    not_yet,
    print_json,
    read_prompts,
)
from tinyllm.files import TinyLLMError, UsageError

app = typer.Typer(
    help="Make a language model, all of it, on an ordinary laptop.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(feedback_app, name="feedback", no_args_is_help=True)
app.add_typer(bench_app, name="bench", no_args_is_help=True)
app.command()(align)
app.command()(compare)
app.command()(doctor)

STOPPED = "Stopped. The work so far is kept; the same command goes on."


@app.command()
def train(
    run: RunOption = "default",
    minutes: Annotated[float | None, typer.Option(help="How long to train (5).")] = None,
    size: Annotated[str | None, typer.Option(help="nano, tiny, small …: your choice.")] = None,
    steps: Annotated[int | None, typer.Option(help="Pretraining steps: with --size.")] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="village, PATH, this_computer, gutenberg, URL, hf:NAME. Repeatable."
        ),
    ] = None,
    weights: Annotated[
        list[float] | None,
        typer.Option("--weight", help="The share of each --from, in their order: 3, then 1."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="corpus, tokenizer, base, chat, reward or aligned.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of every random choice (0).")] = None,
    restart: Annotated[bool, typer.Option(help="Forget the run's models and begin again.")] = False,
    villager: VillagerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model, from raw text to one aligned by comparisons; an interrupted run goes on."""
    from tinyllm.evaluation import COLUMNS, QUICK
    from tinyllm.line import Settings, train_line
    from tinyllm.report import evaluate_run, table_rows, verdicts_in
    from tinyllm.runs import Run
    from tinyllm.terminal import Terminal
    from tinyllm.training.world import World

    settings = Settings(
        minutes=minutes,
        size=size,
        steps=steps,
        sources=tuple(sources) if sources else None,
        weights=tuple(weights) if weights else None,
        villagers=tuple(villager) if villager else None,
        until=until,
        seed=seed,
    )
    chosen = Run.named(run)
    report: dict[str, Any] = {"run": run}
    with Terminal() as terminal:
        for event in train_line(chosen, settings, restart=restart):
            terminal.show(event)
        if not World.joined().first:  # torchrun's first process tells the rest
            return
        if chosen.in_use("base") is not None:
            for event in evaluate_run(chosen, into=report, amounts=QUICK):
                terminal.show(event)
    if as_json:
        print_json({**report, "done": chosen.stages_done()})
    elif rows := table_rows(report):
        terminal.table(f"Run {run}", COLUMNS, rows)
        terminal.say("\n".join(verdicts_in(report)))
        terminal.say("`tinyllm evaluate` measures the same with narrower intervals.")


@app.command()
def village(
    seed: SeedOption = 0,
    documents: Annotated[int | None, typer.Option(help="How many documents (10).")] = None,
    megabytes: Annotated[float | None, typer.Option(help="Or how many megabytes of text.")] = None,
    kind: Annotated[str | None, typer.Option(help="story, encyclopedia, talk …")] = None,
    dial: Annotated[
        Literal["low", "default", "high"], typer.Option(help="How much stories draw.")
    ] = "default",
    villager: VillagerOption = None,
) -> None:
    """Write the village's text: JSON lines with text, kind, seed, bits and labels."""
    from tinyllm.village import KINDS, lines, read_villagers

    moved_in = read_villagers(villager or ())
    if moved_in and kind is not None:
        raise UsageError("--villager goes with the mixture of all kinds: leave --kind out.")
    kinds = (*KINDS, "instruction", "preference", "dirty-page")
    if kind is not None and kind not in kinds:
        not_yet(f"--kind {kind}", ", ".join(kinds))
    if documents is not None and megabytes is not None:
        raise UsageError("Give --documents or --megabytes, not both.")
    if (documents is not None and documents < 1) or (megabytes is not None and megabytes <= 0):
        raise UsageError("--documents and --megabytes must be above 0.")
    written = 0
    for number, line in enumerate(
        lines(seed=seed, kind=kind, dial=dial, villagers=moved_in), start=1
    ):
        print_json(line)
        written += len(line["text"].encode())
        enough = written >= megabytes * 1e6 if megabytes else number >= (documents or 10)
        if enough:
            return


@app.command()
def generate(
    prompt: Annotated[str | None, typer.Argument(help="What the model goes on from.")] = None,
    prompts: Annotated[
        Path | None, typer.Option(help='A prompt a line, or JSON lines with "prompt".')
    ] = None,
    samples: Annotated[int, typer.Option(help="Samples a prompt.")] = 1,
    run: RunOption = "default",
    stage: StageOption = None,
    max_new_tokens: Annotated[int, typer.Option(help="Tokens a sample, at most.")] = 128,
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Only the K likeliest tokens.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Only the likeliest P of the mass.")] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Let a model write: plain text goes on for a base model, is answered by chat and aligned."""
    from tinyllm.answering import Writer
    from tinyllm.model import Sampling

    texts = read_prompts(prompt, prompts)
    if samples < 1 or max_new_tokens < 1:
        raise UsageError("--samples and --max-new-tokens must be at least 1.")
    Sampling(temperature=temperature, top_k=top_k, top_p=top_p)  # refused before a model is read
    writer = Writer.open(run, stage)
    for answer in writer.write(
        texts,
        samples=samples,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    ):
        if as_json:
            print_json(answer.to_dict())
        else:
            space = "" if writer.continues else "\n"
            typer.echo(f"{answer.prompt}{space}{answer.completion}\n")


@app.command()
def chat(run: RunOption = "default", stage: StageOption = None, seed: SeedOption = 0) -> None:
    """Talk with the model in the terminal; an empty line ends it."""
    from tinyllm.answering import Writer

    writer = Writer.open(run, stage)
    typer.echo(f"{writer.label}. An empty line ends the talk.", err=True)
    for turn in itertools.count():
        try:
            text = input("> ")
        except EOFError:
            return
        if not text.strip():
            return
        shown = 0
        try:
            for answer in writer.stream(text, seed=seed + turn):
                sys.stdout.write(answer.completion[shown:])
                sys.stdout.flush()
                shown = len(answer.completion)
        except TinyLLMError as error:  # a message that is too long does not end the talk
            typer.echo(f"tinyllm: {error}", err=True)
        sys.stdout.write("\n")


@app.command()
def evaluate(
    run: RunOption = "default", stage: StageOption = None, as_json: JsonOption = False
) -> None:
    """Measure a run's models: loss beside its floor, consistency, helpful, truthful, safe."""
    from tinyllm.evaluation import COLUMNS
    from tinyllm.report import evaluate_run, table_rows, verdicts_in
    from tinyllm.runs import Run
    from tinyllm.terminal import Terminal

    report: dict[str, Any] = {}
    with Terminal() as terminal:
        for event in evaluate_run(Run.named(run), stage, into=report):
            terminal.show(event)
    if as_json:
        print_json(report)
    else:
        terminal.table(f"Run {run}", COLUMNS, table_rows(report))
        terminal.say("\n".join(verdicts_in(report)))


@app.command()
def status(as_json: JsonOption = False) -> None:
    """What there is: the home, its runs, how far each is, who trains, how much feedback."""
    from tinyllm.report import home_status

    values = home_status()
    if as_json:
        print_json(values)
        return
    typer.echo(f"Home: {values['home']}")
    for run in values["runs"]:
        done = ", ".join(run["done"]) or "nothing yet"
        typer.echo(f"{run['name']}: {done}" + (" (training now)" if run["training"] else ""))
    if not values["runs"]:
        typer.echo("No run yet. `tinyllm train` makes one in about five minutes.")
    typer.echo(f"Feedback: {values['feedback']['records']} records")


@app.command()
def start(
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    lab_port: Annotated[int | None, typer.Option(help="JupyterLab's port (8888).")] = None,
    apps_port: Annotated[int | None, typer.Option(help="The apps' port (7860).")] = None,
) -> None:
    """JupyterLab on the lessons and the apps, both on this machine alone."""
    from tinyllm.serving import serve

    serve(lab=True, apps=True, browser=browser, lab_port=lab_port, apps_port=apps_port)


@app.command()
def lab(
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    lab_port: Annotated[int | None, typer.Option(help="JupyterLab's port (8888).")] = None,
) -> None:
    """JupyterLab on the lessons alone."""
    from tinyllm.serving import serve

    serve(lab=True, apps=False, browser=browser, lab_port=lab_port)


@app.command()
def apps(
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    apps_port: Annotated[int | None, typer.Option(help="The apps' port (7860).")] = None,
) -> None:
    """The apps alone."""
    from tinyllm.serving import serve

    serve(lab=False, apps=True, browser=browser, apps_port=apps_port)


@app.command()
def passport(run: RunOption = "default") -> None:
    """Write one page about a run."""
    not_yet("`tinyllm passport`", "`tinyllm evaluate`, and manifest.json in every model folder")


def main() -> None:
    """The console script: turns errors into one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # half a character must not end a command
            stream.reconfigure(errors="replace")
    raise SystemExit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    try:
        code = app(args=list(arguments), prog_name="tinyllm", standalone_mode=False)
    except typer.TyperException as error:  # an unknown command, a missing or malformed option
        typer.echo(
            f"tinyllm: {error.format_message()}\n`tinyllm --help` lists what there is.", err=True
        )
        return 2
    except TinyLLMError as error:
        typer.echo(f"tinyllm: {error}", err=True)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:  # a disk that is full or gone, a file that may not be read
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(
            f"tinyllm: {error.strerror or error}{where}. Nothing finished is lost.", err=True
        )
        return 1
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(STOPPED, err=True)
        return 130
    except MemoryError:
        typer.echo("tinyllm: out of memory; choose a smaller --size or fewer minutes.", err=True)
        return 1
    if code == 130:  # how typer says that Ctrl-C ended a command
        typer.echo(STOPPED, err=True)
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
