"""What a method is: it takes the same ingredients as every other, and hands the one loop its work.

The loop (`training.train`) asks for a learner, batches and a loss, and does not care where they
come from. So methods can be compared: the same anchor, reward, prompts, seed, trials and gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.kl import AdaptiveBeta
from tinyllm.alignment.labels import Labels
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.rollouts import Reward
from tinyllm.model import Transformer
from tinyllm.training import Rates


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What a method may use.

    `policy` is trained, `reference` is the chat model it grew from. `anchor` holds prompts and the
    chat model's answers; those numbered below `trained_on` may be trained on, and of these those
    below `practised` are of the kind that is to change. `reward` judges
    answers, `labels()` are answers already judged, and a method asks for the one or the other.
    `beta` is the price of a nat, `end` and `pad` the tokens of those names.
    """

    policy: Transformer
    reference: Transformer
    anchor: Anchor
    trained_on: int
    practised: int
    reward: Reward
    labels: Callable[[], Labels]
    beta: AdaptiveBeta
    config: PolicyConfig
    end: int
    pad: int


@dataclass(frozen=True, kw_only=True)
class Learning:
    """What the one loop is given.

    `learner` holds the weights that move: the policy, and whatever else has to learn. `loss` takes
    it and a batch, and reports metrics. `usual_tokens` is how many tokens a batch usually has.
    `on_policy`: the metric `kl` is that of the policy's own answers, so the price of KL may follow
    it. More than `enough` steps would teach the same again.
    """

    learner: nn.Module
    batches: Iterator[Any]
    loss: Callable[[Any, Any], tuple[Tensor, dict[str, float]]]
    rates: Rates
    usual_tokens: float
    on_policy: bool = True
    enough: int | None = None


Method = Callable[[Ingredients], Learning]
