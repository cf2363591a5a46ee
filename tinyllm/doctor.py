"""What this machine is, whether it computes rightly, and what can be expected of it.

`examine` goes through it all and gives a line as soon as it is known, the slow ones last. A check
that fails is a finding like any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tinyllm import checks
from tinyllm.checks import UPDATE, Check
from tinyllm.files import TinyLLMError

if TYPE_CHECKING:
    import torch

    from tinyllm.reference import Computed

STEPS = 20
"""Optimizer steps of the training that is compared."""
TRIAL_SECONDS = 2.5
"""How long steps are timed to plan a training, and once more to say what it will be like."""
SECONDS = 20
"""About how long it all takes."""
CHAT_STEPS = 1000
"""About what fine-tuning needs: the five-minute runs of `bench/RESULTS.md` had 1,055 to 1,171."""


def examine(*, steps: int = STEPS, trial_seconds: float = TRIAL_SECONDS) -> Iterator[Check]:
    """Every check, one after the other; `steps` are compared, and steps timed for about twice
    `trial_seconds`. No run is made or changed.

    An error inside a check is that check's finding, and the others go on. The same error twice is
    told once.

    >>> next(examine()).name
    'system'
    """
    told = set()
    for name, look in (
        ("system", checks.system),
        ("packages", checks.packages),
        ("cores", checks.cores),
        ("memory", checks.memory),
        ("home", checks.home),
        ("compiler", checks.compiler),
        ("browser", checks.browser),
        ("pages", checks.pages),
        ("training", checks.training),
        ("device", lambda: arithmetic(steps)),
        ("pace", lambda: expectation(trial_seconds)),
    ):
        try:
            yield from look()
        except Exception as error:  # of whatever kind: this command is there to tell it
            value, advice = _told(error)
            if value not in told:
                told.add(value)
                yield Check(name=name, value=value, state="wrong", advice=advice)


def _told(error: Exception) -> tuple[str, str]:
    """What happened and what to do about it; our own errors say both, one after the other."""
    said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if isinstance(error, TinyLLMError):
        said, _, advice = said.partition(". ")
        return said, advice or UPDATE
    return said, UPDATE


def conclude(found: Iterable[Check]) -> str:
    """All that was found, in one sentence.

    >>> conclude([Check(name="cores", value="2")])
    'Nothing is wrong here.'
    >>> conclude([Check(name="disk", value="9 MB free", state="wrong", advice="free some space")])
    'Wrong here: disk (9 MB free): free some space.'
    """
    faults: dict[str, list[str]] = {}  # by what to do about them
    for check in found:
        if check.state == "wrong":
            faults.setdefault(check.advice, []).append(f"{check.name} ({check.value})")
    if not faults:
        return "Nothing is wrong here."
    told = [f"{', '.join(names)}: {advice}" for advice, names in faults.items()]
    return f"Wrong here: {'; '.join(told)}."


def arithmetic(steps: int) -> Iterator[Check]:
    """Which device trains, and whether it and the CPU compute what formulas in float64 give.

    A device that `choose_device` passes over for its mistakes comes before the one that is chosen.

    >>> "device" in [check.name for check in arithmetic(steps=1)]
    True
    """
    import torch

    from tinyllm.devices import survey_devices
    from tinyllm.reference import plainly
    from tinyllm.training.plan import DTYPES

    findings = survey_devices()
    for finding in findings:
        if not finding.usable and finding.reason != "none in this machine":
            advice = "it will not be used; update PyTorch and the driver"
            yield Check(name=finding.name, value=finding.reason, state="wrong", advice=advice)
    chosen = next(finding.name for finding in findings if finding.usable)
    card = f", {torch.cuda.get_device_name()}" if chosen == "cuda" else ""
    yield Check(name="device", value=chosen + card)
    plain = plainly(steps=steps)
    for device in dict.fromkeys(("cpu", chosen)):
        for dtype in DTYPES:
            yield _compared(torch.device(device), dtype, plain)


def _compared(device: torch.device, dtype: str, plain: Computed) -> Check:
    """One device in one dtype beside `plain`."""
    from tinyllm.reference import TOLERANCES, compare

    name = f"{device.type} {dtype}"
    advice = (
        "trainings with it cannot be trusted: update PyTorch, and on a graphics card its driver"
    )
    try:
        gaps = compare(device, dtype, plain=plain)
    except RuntimeError as error:  # what a device lacks is one
        said = str(error).splitlines()[0].rstrip(".")
        return Check(name=name, value=f"fails: {said}", state="wrong", advice=advice)
    what = {
        "forward": "logits",
        "backward": "gradients",
        "training": f"losses of {len(plain.losses)} steps",
    }
    most = TOLERANCES[dtype]
    if beyond := gaps.beyond(most):
        faults = [
            f"{what[gap]} by {getattr(gaps, gap):.0e} where rounding is below "
            f"{getattr(most, gap):.0e}"
            for gap in beyond
        ]
        value = f"differs from float64: {', '.join(faults)}"
        return Check(name=name, value=value, state="wrong", advice=advice)
    figures = ", ".join(f"{what[gap]} {size:.0e}" for gap, size in vars(gaps).items())
    return Check(name=name, value=f"as in float64 but for rounding: {figures}")


def expectation(trial_seconds: float) -> Iterator[Check]:
    """How long a training step takes in the dtype that is faster, and what five minutes hold.

    Every figure is from steps taken now; the minutes that fine-tuning would need are an estimate.

    >>> [check.name for check in expectation(trial_seconds=0.01)]
    ['bfloat16', 'pace', '5 minutes']
    """
    from tinyllm.line import MINUTES, SHARES
    from tinyllm.model import Transformer
    from tinyllm.stages import VOCABULARY
    from tinyllm.training import IGNORED, finetuning
    from tinyllm.training.plan import DTYPES, PRETRAINING
    from tinyllm.training.timing import SET_ASIDE, plan_for, time_steps, trial_batch

    seconds = {stage: 60 * MINUTES * share for stage, share in SHARES.items()}
    plan = plan_for(seconds["base"], vocab_size=VOCABULARY, trial_seconds=trial_seconds)
    model = Transformer(plan.model_config(VOCABULARY))
    batch = trial_batch(plan.rows, plan.context, VOCABULARY)
    paces = time_steps(
        model,
        batch,
        rates=PRETRAINING,
        choices=[(dtype, plan.threads) for dtype in DTYPES],
        seconds=trial_seconds / 2,
    )
    pace = paces[plan.dtype, plan.threads]
    ratio = paces["float32", plan.threads] / paces["bfloat16", plan.threads]
    value = f"{ratio:.2f} times the pace of float32: {plan.dtype} is chosen"
    yield Check(name="bfloat16", value=value)
    threads = "1 thread" if plan.threads == 1 else f"{plan.threads} threads"
    value = (
        f"{1000 * pace:,.0f} ms a training step of the size {plan.size}, "
        f"{batch.tokens / pace:,.0f} tokens/s ({plan.dtype}, {threads})"
    )
    yield Check(name="pace", value=value)

    row = finetuning.SHORTEST_ROW
    answers = trial_batch(finetuning.ROWS * (plan.context // row), row, VOCABULARY)
    answers = replace(answers, targets=answers.targets.clone())  # it shares the ids' memory
    answers.targets[:, ::2] = IGNORED  # what is asked is no target: about every second token
    choice = (plan.dtype, plan.threads)
    chat = time_steps(
        model, answers, rates=finetuning.RATES, choices=[choice], seconds=trial_seconds / 2
    )[choice]
    assert plan.room is not None
    steps, chat_steps = plan.room / pace, seconds["chat"] * (1 - SET_ASIDE) / chat
    value = (
        f"a model reads about {steps * batch.tokens / 1e6:.1f} million tokens in {steps:,.0f} "
        f"steps; fine-tuning takes about {chat_steps:,.0f} steps"
    )
    name = f"{MINUTES:g} minutes"
    if chat_steps >= CHAT_STEPS:
        yield Check(name=name, value=value)
    else:
        minutes = math.ceil(MINUTES * CHAT_STEPS / chat_steps)
        advice = (
            f"to answer well it needs about {CHAT_STEPS:,}: give --minutes {minutes} (an estimate)"
        )
        yield Check(name=name, value=value, state="note", advice=advice)
