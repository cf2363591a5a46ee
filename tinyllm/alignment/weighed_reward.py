"""The network's opinion and a few readable numbers, weighed against each other.

A small network that saw a few thousand comparisons knows some of what makes an answer good; how
sure the chat model was of its own words tells more than one would think. How much each should count
is learned from comparisons that the network was not trained on, with the logistic head of `thumbs`:
a dozen weights that anybody can read.

Shapes: B answers, K comparisons, P prompts, G answers to each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from tinyllm.alignment.answers import Answers, Reading, read_answers
from tinyllm.alignment.comparisons import Graded
from tinyllm.alignment.readable import READABLE, readable
from tinyllm.alignment.reward import RewardModel
from tinyllm.alignment.thumbs import Votes, fit
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer
from tinyllm.tokens import Tokenizer

READ = ("length", "finished", "likelihood", "likelihood a token", "least likely token")
"""The numbers of `READABLE` that are weighed. Manners (questions, exclamations, repetition) are
left to people's thumbs: in a few hundred answers they go with good and bad by chance, and a
policy would soon do nothing else."""
NAMES = ("network", *READ)
HEAD_FILE = "head.json"
PRIOR_SD = 1.0


class WeighedReward:
    """A reward (B) for answers: the weighted sum of the network's reward and of `READ`.

    `weights` are per unit of each number. The network alone is `weights = {"network": 1.0}`.
    """

    def __init__(
        self, network: RewardModel, tokenizer: Tokenizer, weights: dict[str, float] | None = None
    ) -> None:
        weights = {"network": 1.0} if weights is None else weights
        unknown = sorted(set(weights) - set(NAMES))
        if unknown:
            raise TinyLLMError(
                f"This reward weighs {', '.join(unknown)}, which this version of tinyllm does not "
                f"know; it knows {', '.join(NAMES)}. Train the reward model again."
            )
        self.network, self.weights = network, weights
        self._tokenizer = tokenizer
        self._column = torch.tensor([weights.get(name, 0.0) for name in NAMES], dtype=torch.float64)

    def __call__(self, answers: Answers, reading: Reading) -> Tensor:
        """Rewards (B); only differences between answers to one prompt have a meaning."""
        return (self.numbers(answers, reading) @ self._column).float()

    def numbers(self, answers: Answers, reading: Reading) -> Tensor:
        """What is weighed, in the order of `NAMES`: (B, 6), float64."""
        texts = [self._tokenizer.decode(answers.completion(row)) for row in range(len(answers))]
        read = readable(texts, answers, reading)[:, [READABLE.index(name) for name in READ]]
        return torch.cat([self.network.reward(answers).double()[:, None], read], dim=1)

    def head_file(self) -> str:
        """The weights as JSON, for the file `HEAD_FILE` beside the network."""
        return json.dumps({"weights": self.weights}, indent=2) + "\n"

    @classmethod
    def load(cls, folder: Path) -> WeighedReward:
        """The reward in `folder`; the network alone if nothing was weighed."""
        network, tokenizer = RewardModel.load(folder), Tokenizer.load(folder)
        path = folder / HEAD_FILE
        if not path.exists():
            return cls(network, tokenizer)
        try:
            weights = {
                str(k): float(v) for k, v in json.loads(path.read_text("utf-8"))["weights"].items()
            }
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise TinyLLMError(
                f"{path} cannot be read ({error}); train the reward again."
            ) from error
        return cls(network, tokenizer, weights)


def weigh(
    network: RewardModel, tokenizer: Tokenizer, chat: Transformer, graded: Sequence[Graded]
) -> WeighedReward:
    """Learn the weights from graded answers that `network` was not trained on.

    Every two answers to a prompt that the judge told apart are a comparison. Each number is
    measured in its standard deviations within prompts, and its weight has the prior N(0, 1).
    """
    plain = WeighedReward(network, tokenizer)
    rows, better = [], []
    for each in graded:
        numbers = plain.numbers(each.answers, read_answers(chat, each.answers))
        rows.append(numbers.view(*each.scores.shape, -1))  # (P,G,D)
        better.append(each.scores)
    numbers, scores = torch.cat(rows), torch.cat(better)
    within = numbers - numbers.mean(1, keepdim=True)
    scale = within.flatten(0, 1).std(0).clamp(min=1e-3)
    first, second = torch.triu_indices(scores.shape[1], scores.shape[1], offset=1)
    told_apart = scores[:, first] != scores[:, second]
    x = ((numbers[:, first] - numbers[:, second]) / scale)[told_apart]  # (K,D)
    up = (scores[:, first] > scores[:, second])[told_apart].double()
    zero = torch.zeros(len(NAMES), dtype=torch.float64)
    votes = Votes(x=x, up=up, thumb=torch.zeros(len(up), dtype=torch.bool))
    head = fit(votes, prior_mean=zero, prior_sd=zero + PRIOR_SD)
    weights = (head.mean[:-1] / scale).tolist()
    return WeighedReward(network, tokenizer, dict(zip(NAMES, weights, strict=True)))
