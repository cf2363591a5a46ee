"""The reward model: a language model's trunk that ends in one number, how good an answer is.

It reads prompt and answer and is asked at the last token, <|end|>, by when it has seen everything.
It learns from comparisons alone: nobody says how good an answer is, only which of two is better
(Bradley and Terry 1952; Christiano et al. 2017; Ouyang et al. 2022).

Shapes: B answers, T time, C channels, K comparisons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from tinyllm.alignment.answers import Answers
from tinyllm.alignment.comparisons import Compared
from tinyllm.alignment.kl import by_length
from tinyllm.files import (
    TinyLLMError,
    atomic_folder,
    read_manifest,
    sha256,
    write_manifest,
)
from tinyllm.model import (
    Decoder,
    ModelConfig,
    Transformer,
    fill,
    from_transformers,
    initialise,
    read_config,
    read_weights,
    to_transformers,
    write_weights,
)

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

HEAD = "ForSequenceClassification"


def bradley_terry(better: Tensor, worse: Tensor) -> Tensor:
    """-log sigmoid(reward of the better - reward of the worse), the mean of K comparisons, in nats.

    The chance that an answer is preferred is modelled as the sigmoid of the difference of rewards,
    so adding a constant to all rewards changes nothing.

    >>> round(bradley_terry(torch.tensor([3.0]), torch.tensor([3.0])).item(), 4)  # ln 2
    0.6931
    """
    return -logsigmoid(better - worse).mean()


class RewardModel(nn.Module):
    """A decoder with a scalar head; parameters named as in `Qwen3ForSequenceClassification`.

    The head starts at zero, so that at first all answers are equally good and the loss is ln 2.
    `mean` and `sd` are those of the scores of the chat model's own answers; `reward` is measured
    in them.

    >>> model = RewardModel(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> model(torch.tensor([[2, 7, 3, 9, 4]]), torch.tensor([4])).tolist()
    [0.0]
    """

    def __init__(self, config: ModelConfig, *, mean: float = 0.0, sd: float = 1.0) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        initialise(self.model)
        self.score = nn.Linear(config.hidden_size, 1, bias=False)
        nn.init.zeros_(self.score.weight)
        self.mean, self.sd = mean, sd

    @classmethod
    def grown_from(cls, chat: Transformer) -> RewardModel:
        """A reward model with the trunk of a chat model and a fresh head."""
        model = cls(chat.config)
        model.model.load_state_dict(chat.model.state_dict())
        return model

    def forward(self, ids: Tensor, last: Tensor) -> Tensor:
        """Scores (B) of the rows of `ids` (B,T), each read at its place `last` (B), float32.

        Rows are padded on the right. The scores are those of `transformers`.
        """
        hidden = self.model(ids)[torch.arange(len(ids), device=ids.device), last]  # (B,C)
        scores: Tensor = self.score(hidden)[:, 0].float()
        return scores

    @torch.no_grad()
    def reward(self, answers: Answers) -> Tensor:
        """Normalised rewards (B): 0 is the chat model's average answer, 1 one sd above it."""
        scores = torch.empty(len(answers))
        lengths = answers.lengths
        for part in by_length(lengths, tokens=8192):
            until = int(lengths[part].max())
            scores[part] = self(answers.ids[part, :until], lengths[part] - 1)
        return (scores - self.mean) / self.sd

    def save(
        self,
        tokenizer: Tokenizer,
        folder: Path,
        *,
        beside: Mapping[str, str] | None = None,
        **manifest: Any,
    ) -> None:
        """Write a folder that opens as `AutoModelForSequenceClassification`, all of it or nothing.

        `beside` are more files, name and text; `manifest` says what the model was made from. Mean
        and sd are kept in the manifest.
        """
        with atomic_folder(folder) as new:
            tokenizer.save(new, eos_token="<|end|>")
            for name, text in (beside or {}).items():
                (new / name).write_text(text, encoding="utf-8")
            write_weights(self.state_dict(), new)
            config = {
                **to_transformers(self.config, head=HEAD),
                "id2label": {"0": "reward"},
                "label2id": {"reward": 0},
                "pad_token_id": tokenizer.pad,
                "eos_token_id": tokenizer.end,
            }
            text = json.dumps(config, indent=2, sort_keys=True) + "\n"
            (new / "config.json").write_text(text, encoding="utf-8")
            hashes = {file.name: sha256(file) for file in sorted(new.iterdir())}
            normalisation = {"mean": self.mean, "sd": self.sd}
            write_manifest(new, **{"files": hashes, "normalisation": normalisation, **manifest})

    @classmethod
    def load(cls, folder: Path | str) -> RewardModel:
        """The reward model in `folder`; one without a manifest of ours is not normalised."""
        values = read_config(folder)
        if not str((values.get("architectures") or [""])[0]).endswith(HEAD):
            raise TinyLLMError(
                f"{folder} holds no reward model. `tinyllm train --until reward` makes one."
            )
        known = (Path(folder) / "manifest.json").exists()
        normalisation = read_manifest(Path(folder)).get("normalisation", {}) if known else {}
        model = cls(from_transformers(values), **normalisation)
        fill(model, read_weights(folder), folder)
        return model


def bradley_terry_loss(model: RewardModel, batch: Compared) -> tuple[Tensor, dict[str, float]]:
    """The loss that the training loop calls; metric `accuracy`: comparisons judged rightly.

    Every answer is read once, however many comparisons it is part of.
    """
    lengths = batch.last + 1
    parts = list(by_length(lengths))
    scores = torch.cat(
        [model(batch.ids[part, : int(lengths[part].max())], batch.last[part]) for part in parts]
    )
    scores = scores[torch.cat(parts).argsort()]
    better, worse = scores[batch.better], scores[batch.worse]
    return bradley_terry(better, worse), {"accuracy": float((better > worse).float().mean())}
