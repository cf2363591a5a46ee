"""One question for every viewer: which picture belongs to this stage?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinyllm.events import STAGES, Evaluation, Event, Merge, Step
from tinyllm.figures.chart import Chart
from tinyllm.figures.loss import LOSS_RULERS, loss_chart
from tinyllm.figures.rewards import pair_accuracy_chart, rlhf_chart
from tinyllm.figures.tokens import merges_chart


def stage_chart(
    stage: str, events: Sequence[Event], rulers: Mapping[str, float] | None = None
) -> Chart | None:
    """The live chart of a stage from its events so far; None where there is nothing to draw yet.

    Merges for the tokenizer, the loss for base and chat, loss and accuracy for the reward model,
    reward, KL, length and endings for the aligned one. Rulers of the loss come from `rulers` or
    from the `Evaluation` events, whose metrics may hold the keys of `LOSS_RULERS`. ValueError if
    there is no such stage.

    >>> stage_chart("base", []) is None
    True
    """
    if stage not in STAGES:
        raise ValueError(f"expected a stage of {', '.join(STAGES)}, got {stage!r}")
    own = [event for event in events if event.stage == stage]
    if not any(isinstance(event, Merge if stage == "tokenizer" else Step) for event in own):
        return None
    if stage == "tokenizer":
        return merges_chart(own)
    if stage == "reward":
        return pair_accuracy_chart(own)
    if stage == "aligned":
        return rlhf_chart(own)
    told = [event.metrics for event in own if isinstance(event, Evaluation)]
    known = {name: m[name] for m in told for name in LOSS_RULERS if name in m}
    title = "Loss on answers while the model learns" if stage == "chat" else "Loss while it learns"
    return loss_chart(own, {**known, **(rulers or {})}, title=title)
