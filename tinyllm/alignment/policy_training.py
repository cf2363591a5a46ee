"""The policy learns, by any method, within a KL budget, tried on held-out prompts along the way.

More reward is not always better: past some point a policy exploits what its reward model gets wrong
(Gao et al. 2023, "Scaling laws for reward model overoptimization"). So the price of KL adapts, the
policy is tried every few steps on prompts it does not train on, and of the policies that would come
through the gate the last is taken that is as good as the best of them. If a better one would not
come through, it is taken part of the way back to the chat model, weight by weight, until it would:
between the two, what was learned goes more slowly than what was lost (Ramé et al. 2024, "WARP", its
third stage).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tinyllm.alignment.anchor import Anchor, ShapedReward
from tinyllm.alignment.answers import Answers, read_answers
from tinyllm.alignment.kl import AdaptiveBeta
from tinyllm.alignment.labels import Labels
from tinyllm.alignment.methods import Ingredients, Learning, Method, rloo
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.promotion import Canaries, Gate, Limits, objections
from tinyllm.events import Evaluation, Event, Notice, Sample, Step
from tinyllm.model import Transformer
from tinyllm.tokens import Tokenizer
from tinyllm.training import Schedule, optimizer_for, train

STAGE = "aligned"
TRIAL_SAMPLES = 1
"""Answers to each held-out prompt: diversity is better known from more prompts than from more
answers to the same (`bench/RESULTS.md`)."""
TRIAL_MARGIN = 0.02
"""By how much of the chat model's diversity a policy on trial must keep more than the gate asks:
the gate has twice as many answers, and what a policy says too often shows in many answers."""
TIMED = (2, 8, 16, 32, 64)
"""After so many steps their number is settled, and settled again, by how long those since the last
time took; of the first two the second alone tells, as the very first also prepares kernels. Each
lies before the learning rate begins to fall, so that it does not depend on the number so far."""
WARMUP = 3
COOLDOWN = 0.5
LEAST_STEPS = 6
"""So many are planned however few seconds there are; the clock may end them sooner."""
SHARES = (0.75, 0.5, 0.25)
"""How far from the chat model a policy stands that is taken part of the way back."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A policy on the way: its weights, and what each of its answers to held-out prompts earned.

    `share` is how far from the chat model it stands: 1 where training left it. `stopped` is the
    last step where the clock ended the training before `steps`.
    """

    step: int
    steps: int
    rewards: Tensor
    weights: dict[str, Tensor]
    share: float = 1.0
    stopped: int | None = None

    @property
    def reward(self) -> float:
        """The mean shaped reward; 0: as good as the chat model's own answers."""
        return float(self.rewards.mean())


class Trial:
    """A gate on the way: held-out prompts, the same random numbers every time, and the reward."""

    def __init__(
        self,
        reference: Transformer,
        tokenizer: Tokenizer,
        anchor: Anchor,
        reward: ShapedReward,
        held_out: range,
        config: PolicyConfig,
        canaries: Canaries | None,
    ) -> None:
        self._reference, self._reward = reference, reward
        self._gate = Gate(
            reference,
            tokenizer,
            anchor.prompts,
            held_out,
            num_samples=TRIAL_SAMPLES,
            max_new_tokens=config.max_new_tokens,
            seed=config.seed + 1,
            canaries=canaries,
        )

    def measure(self, policy: Transformer) -> tuple[dict[str, float], Answers, Tensor]:
        """What the gate measures, and mean `reward`; the answers; and the reward of each."""
        metrics, answers = self._gate.measure(policy)
        rewards = self._reward(answers, read_answers(self._reference, answers))
        return {"reward": float(rewards.mean()), **metrics}, answers, rewards


def learn_policy(
    policy: Transformer,
    reference: Transformer,
    tokenizer: Tokenizer,
    anchor: Anchor,
    reward: ShapedReward,
    *,
    held_out: range,
    practised: int | None = None,
    limits: Limits,
    config: PolicyConfig,
    canaries: Canaries | None = None,
    method: Method = rloo,
    labels: Callable[[], Labels] = Labels,
) -> Generator[Event, None, Checkpoint]:
    """Train `policy` in place on the anchor's prompts before `held_out`, and try it on those.

    The first `practised` prompts are of the kind that is to change.
    A method that learns from labels alone asks for `labels()` and not for the prompts.
    Returns the checkpoint to be used: within `limits`, and the last that is as good as the best
    (`last_as_good`). That of step 0 is the chat model itself.
    """
    asked = replace(limits, distinct=min(limits.distinct + TRIAL_MARGIN, 1.0))
    began = time.monotonic()
    ends = began + config.seconds if config.seconds is not None else None
    trial = Trial(reference, tokenizer, anchor, reward, held_out, config, canaries)
    metrics, answers, rewards = trial.measure(reference)
    trial_seconds = time.monotonic() - began
    beta = AdaptiveBeta(start=config.beta, budget=config.kl_budget)

    learning = method(
        Ingredients(
            policy=policy,
            reference=reference,
            anchor=anchor,
            trained_on=held_out.start,
            practised=held_out.start if practised is None else practised,
            reward=reward,
            labels=labels,
            beta=beta,
            config=config,
            end=tokenizer.end,
            pad=tokenizer.pad,
        )
    )

    chat = Checkpoint(step=0, steps=config.steps, rewards=rewards, weights=_copy(policy))
    better, fit = [chat], [chat]  # than the chat model; and those of them within the limits
    steps, stopped = config.steps, None
    yield Evaluation(stage=STAGE, step=0, metrics=_own(metrics))
    yield from _samples(answers, anchor, tokenizer, 0)
    stream = _steps(learning, config, ends=ends, trial_seconds=trial_seconds)
    for step in stream:
        if learning.on_policy:
            beta.observe(step.metrics["kl"])
        yield step
        # Answers can grow longer than those the plan was timed on: the clock has the last word.
        late = step.step == config.stop_after or (
            config.stop_after is None
            and ends is not None
            and time.monotonic() + trial_seconds > ends
        )
        if step.step % config.evaluate_every == 0 or step.step == step.steps or late:
            metrics, answers, rewards = trial.measure(policy)
            against = objections(metrics, asked)
            if metrics["reward"] > chat.reward:
                tried = replace(chat, step=step.step, rewards=rewards, weights=_copy(policy))
                better.append(tried)
                if not against:
                    fit.append(tried)
            yield Evaluation(stage=STAGE, step=step.step, metrics=_own(metrics))
            yield from _samples(answers, anchor, tokenizer, step.step)
        if late and step.step < step.steps:
            stream.close()
            stopped = step.step
        steps = step.steps
    best, boldest = last_as_good(fit), last_as_good(better)
    for share in SHARES:
        if boldest.reward <= best.reward:
            break
        part = part_of_the_way(reference, boldest.weights, share)
        policy.load_state_dict(part)
        metrics, _, rewards = trial.measure(policy)
        against = objections(metrics, asked)
        yield Notice(
            stage=STAGE,
            text=f"The policy of step {boldest.step}, taken {1 - share:.0%} of the way back to the "
            f"chat model: reward {metrics['reward']:.2f}. " + " ".join(against),
        )
        if not against and metrics["reward"] > best.reward:
            best = replace(boldest, rewards=rewards, weights=part, share=share)
            break
    return replace(best, steps=steps, stopped=stopped)


def _steps(
    learning: Learning,
    config: PolicyConfig,
    *,
    ends: float | None,
    trial_seconds: float,
) -> Generator[Step, None, None]:
    """The steps of the plan, or as many as fit until the clock shows `ends`.

    Steps differ: one of stories takes two or three times as long as one of short answers. So the
    time of a usual one is reckoned from what those so far took per token.
    """
    optimizer = optimizer_for(learning.learner, learning.rates)

    def some(steps: int, until: int | None = None, last: Step | None = None) -> Iterator[Step]:
        return train(
            learning.learner,
            learning.batches,
            learning.loss,
            optimizer=optimizer,
            schedule=Schedule(steps=steps, warmup=WARMUP, cooldown=COOLDOWN),
            steps=steps,
            stage=STAGE,
            until=until,
            start=last.step if last else 0,
            tokens=last.tokens if last else 0,
            seconds=last.seconds if last else 0.0,
        )

    if ends is None:
        yield from some(config.steps)
        return

    def fitting(step_seconds: float, done: int = 0) -> int:
        with_trials = step_seconds + trial_seconds / config.evaluate_every
        fits = done + int((ends - time.monotonic()) / with_trials)
        return fits if learning.enough is None else min(fits, learning.enough)

    planned, mark = max(LEAST_STEPS, fitting(trial_seconds)), 1
    done: list[Step] = []
    for until in TIMED:
        if until > planned * (1 - COOLDOWN):
            break
        for step in some(planned, until=until, last=done[-1] if done else None):
            done.append(step)
            yield step
        last, before = done[-1], done[mark - 1]
        pace = (last.seconds - before.seconds) / (last.tokens - before.tokens)
        fits = fitting(pace * learning.usual_tokens, until)
        planned = max(LEAST_STEPS, int(until / (1 - COOLDOWN)), fits)
        mark = until
    yield from some(planned, last=done[-1])


def part_of_the_way(
    chat: Transformer, weights: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Weights that stand `share` of the way from the chat model to `weights`."""
    return {
        name: torch.lerp(weight.detach(), weights[name], share)
        for name, weight in chat.state_dict().items()
    }


def last_as_good(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """The last checkpoint that earned no less than the best one, but for chance.

    A hundred answers tell two policies apart only roughly, and the later one has learned more: it
    is taken unless the best was better by more than a standard error of the difference, measured
    answer by answer (same prompts, same random numbers).
    """
    best = max(checkpoints, key=lambda checkpoint: checkpoint.reward)
    for checkpoint in reversed(checkpoints):
        lost = best.rewards - checkpoint.rewards  # (B)
        if float(lost.mean()) <= float(lost.std() / len(lost) ** 0.5):
            return checkpoint
    return best


def _own(metrics: dict[str, float]) -> dict[str, float]:
    """What was measured of the policy itself; of the chat model, the first trial tells it."""
    return {name: value for name, value in metrics.items() if not name.startswith("chat_")}


def _copy(model: Transformer) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def _samples(
    answers: Answers, anchor: Anchor, tokenizer: Tokenizer, step: int, count: int = 3
) -> Iterator[Sample]:
    """The first answer to each of the first few held-out prompts."""
    for row in range(0, min(count * TRIAL_SAMPLES, len(answers)), TRIAL_SAMPLES):
        yield Sample(
            stage=STAGE,
            step=step,
            prompt=tokenizer.decode(anchor.prompts[int(answers.which[row])]),
            completion=tokenizer.decode(answers.completion(row)),
        )
