"""The subcommands `tinyllm bench …`: measure a stage beside its peers, as ratios in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinyllm.commands import JsonOption, RunOption, SeedOption, print_json
from tinyllm.files import UsageError

bench_app = typer.Typer(help="Measure a stage beside its peers, as ratios in one run.")


@bench_app.command("tokenizer")
def bench_tokenizer(
    minbpe: Annotated[Path | None, typer.Option(help="A checkout of minbpe.")] = None,
    as_json: JsonOption = False,
) -> None:
    """BPE by hand beside minbpe's algorithm and the `tokenizers` library."""
    _bench("tokenizer", as_json, minbpe=minbpe)


@bench_app.command("pretrain")
def bench_pretrain(
    nanogpt: Annotated[Path | None, typer.Option(help="A checkout of nanoGPT.")] = None,
    text: Annotated[
        Path | None, typer.Option(help="tinyshakespeare, if it is not in the checkout.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each is measured, in turn.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Pretraining beside nanoGPT's recipe for CPUs and `transformers` Trainer."""
    _bench("pretrain", as_json, nanogpt=nanogpt, text=text, rounds=rounds)


@bench_app.command("generate")
def bench_generate(
    llama2c: Annotated[Path | None, typer.Option(help="A checkout of llama2.c.")] = None,
    run: Annotated[
        str | None, typer.Option(help="The run whose base model writes; default, if it has one.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A model folder, in place of a run.")] = None,
    rounds: Annotated[int, typer.Option(help="How often each is measured, in turn.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Generation beside `transformers.generate` and llama2.c; without a model one is made."""
    from tinyllm.runs import Run

    if run is not None and model is not None:
        raise UsageError("Give --run NAME or --model FOLDER, not both.")
    if run is not None:
        model = Run.named(run).model("base")
    elif model is None:
        model = Run.named().in_use("base")
    _bench("generate", as_json, llama2c=llama2c, model=model, rounds=rounds)


@bench_app.command("align")
def bench_align(
    run: RunOption = "default",
    model: Annotated[Path | None, typer.Option(help="A model folder, in place of a run.")] = None,
    steps: Annotated[int, typer.Option(min=2, help="Of each method, ours and TRL's.")] = 20,
    methods: Annotated[
        list[str] | None, typer.Option("--method", help="rloo, grpo, dpo, kto.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """RLOO, GRPO, DPO and KTO beside TRL's: seconds a step, and the gold reward reached."""
    from tinyllm.runs import Run

    some = {} if methods is None else {"methods": methods}
    _bench("align", as_json, model=model or Run.named(run).model("chat"), steps=steps, **some)


@bench_app.command("taste")
def bench_taste(
    folder: Annotated[Path, typer.Option(help="Where every training is noted; goes on there.")],
    run: RunOption = "default",
    people: Annotated[int, typer.Option(help="Simulated people, 20 at most.")] = 20,
    seeds: Annotated[int, typer.Option(help="Days on which each of them votes.")] = 2,
    shuffles: Annotated[int, typer.Option(help="Trainings on votes in another order.")] = 30,
    votes: Annotated[list[int] | None, typer.Option(help="25, 50, 100, 200.")] = None,
    conditions: Annotated[
        list[str] | None, typer.Option("--condition", help="thumbs, or a control.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Taste-N: do N thumbs of one person make the model more to that person's taste? Hours."""
    from tinyllm.runs import Run

    some = {
        name: chosen
        for name, chosen in (("votes", votes), ("conditions", conditions))
        if chosen is not None
    }
    options = {"people": people, "seeds": seeds, "shuffles": shuffles, **some}
    _bench("taste", as_json, folder=folder, run=Run.named(run), **options)


@bench_app.command("store")
def bench_store(
    kills: Annotated[int, typer.Option(help="Writers that are killed, one after the other.")] = 200,
    writers: Annotated[int, typer.Option(help="Writers at once.")] = 20,
    votes: Annotated[int, typer.Option(help="Votes of all writers together.")] = 10_000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """The feedback store: is an acknowledged vote ever lost, or there twice?"""
    _bench("store", as_json, kills=kills, writers=writers, votes=votes, seed=seed)


@bench_app.command("reward")
def bench_reward(run: RunOption = "default", as_json: JsonOption = False) -> None:
    """The reward model on the chat model's own answers; a whole network on a hundred thumbs."""
    from tinyllm.runs import Run

    _bench("reward", as_json, run=Run.named(run))


@bench_app.command("overoptimisation")
def bench_overoptimisation(
    folder: Annotated[Path, typer.Option(help="Where every training is noted; goes on there.")],
    run: RunOption = "default",
    as_json: JsonOption = False,
) -> None:
    """A reward pushed far past what it knows: proxy and gold against KL, and what is said then."""
    from tinyllm.runs import Run

    _bench("overoptimisation", as_json, folder=folder, run=Run.named(run))


@bench_app.command("asking")
def bench_asking(
    run: RunOption = "default",
    people: Annotated[int, typer.Option(help="Simulated people, 20 at most.")] = 20,
    seeds: Annotated[int, typer.Option(help="Days on which each of them votes.")] = 2,
    folder: Annotated[Path | None, typer.Option(help="Where to note it, and to go on.")] = None,
    picture: Annotated[Path | None, typer.Option(help="A page for the chart, .html.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Labels saved: votes that were asked for beside votes that came by chance."""
    from tinyllm.runs import Run

    options = {"people": people, "seeds": seeds, "folder": folder, "picture": picture}
    _bench("asking", as_json, run=Run.named(run), **options)


@bench_app.command("figures")
def bench_figures(
    folder: Annotated[Path, typer.Option(help="Where the page and the pictures go.")],
    taste: Annotated[Path | None, typer.Option(help="The folder of `bench taste`.")] = None,
    overoptimisation: Annotated[
        Path | None, typer.Option(help="What `bench overoptimisation --json` printed.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="A run whose answers are voted on.")] = None,
    person: Annotated[int, typer.Option(min=0, help="Which simulated person votes.")] = 0,
    votes: Annotated[int, typer.Option(min=1, max=200, help="How often.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Draw what alignment taught, as one page and as SVG: all that there are data for."""
    from tinyllm.runs import Run

    sources = {"taste": taste, "overoptimisation": overoptimisation}
    named = None if run is None else Run.named(run)
    _bench("figures", as_json, folder=folder, run=named, person=person, votes=votes, **sources)


def _bench(name: str, as_json: bool, **options: Any) -> None:
    """Run a bench and print what it found."""
    from tinyllm.report import run_bench

    values = run_bench(name, **options)
    if as_json:
        print_json(values)
    else:
        typer.echo("\n".join(f"{name}: {value}" for name, value in values.items()))
