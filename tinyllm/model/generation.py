"""What a model writes: one token after another, each fed back in.

Many texts are written side by side. Their prompts are read once (equal ones once for all), keys
and values are kept in a cache, and a text that has ended leaves the batch. Shapes: B rows still
being written, V vocabulary.

Gradients are off inside the functions below and nowhere else: none of them yields while off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tinyllm.files import TinyLLMError
from tinyllm.model.cache import KVCache
from tinyllm.model.decode import Decoding, fits
from tinyllm.model.sampling import Sampling, uniform_stream
from tinyllm.model.transformer import Transformer


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What came of each prompt, its samples side by side: sample s of prompt p is at p * S + s.

    `ids` are the new tokens, a closing stop token included; `logprobs` are the model's own
    log-probabilities of them in nats, at temperature 1 over the whole vocabulary, however they were
    chosen. `finish_reasons` are "stop" (a stop token came) or "length".
    """

    ids: list[list[int]]
    logprobs: list[list[float]]
    finish_reasons: list[str]


@dataclass(frozen=True)
class Token:
    """A token as it is written, and the log-probability that the model gave it, in nats."""

    id: int
    logprob: float


class _Writing:
    """Texts being written; `step` adds a token to each that has not ended."""

    def __init__(
        self,
        model: Transformer,
        prompts: Sequence[tuple[int, ...]],
        uniforms: Tensor,
        *,
        limits: Tensor,
        sampling: Sampling,
        stop: Collection[int],
        pad: int,
    ) -> None:
        self.model, self.sampling = model, sampling
        self.device = model.output_weight.device
        self.uniforms, self.limits = uniforms.to(self.device), limits.to(self.device)
        self.stop = torch.tensor(sorted(stop), dtype=torch.int64, device=self.device)
        self.rows = torch.arange(len(prompts), device=self.device)
        self.written = 0
        self.small = fits(model)
        self.alone: Decoding | None = None
        self._read(prompts, pad)

    @torch.inference_mode()
    def _read(self, prompts: Sequence[tuple[int, ...]], pad: int) -> None:
        """Read each different prompt once, left-padded to the longest."""
        different = {prompt: row for row, prompt in enumerate(dict.fromkeys(prompts))}
        longest = max(map(len, different))
        padded = [[pad] * (longest - len(prompt)) + list(prompt) for prompt in different]
        ids = torch.tensor(padded, device=self.device)  # (different prompts, T)
        lengths = torch.tensor([len(prompt) for prompt in different], device=self.device)
        mask = torch.arange(longest, device=self.device) >= longest - lengths[:, None]
        weight, config = self.model.output_weight, self.model.config
        room = longest + int(self.limits.max())
        repeated = len(different) < len(prompts)
        self.cache = KVCache(
            config,
            len(different),
            longest if repeated else room,
            dtype=weight.dtype,
            device=self.device,
        )
        ragged = len(set(map(len, different))) > 1
        hidden = self.model.hidden(ids, mask=mask if ragged else None, cache=self.cache)
        self.logits = self.model.logits(hidden[:, -1])  # (B,V)
        if repeated:
            rows = torch.tensor([different[prompt] for prompt in prompts], device=self.device)
            self.cache, self.logits = self.cache.take(rows, room), self.logits[rows]

    @torch.inference_mode()
    def step(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Choose a token for every row.

        Returns, each (B): the rows' numbers, tokens, log-probabilities, and whether a row stopped.
        Rows that have ended are gone afterwards; `rows` says which are left.
        """
        rows, logits = self.rows, self.logits
        chances = logits.softmax(-1)  # (B,V)
        best = chances.amax(-1)  # (B)
        if bool(best.isnan().any()):
            raise TinyLLMError(
                "The model's scores are not numbers (NaN or infinite): it was damaged in training. "
                "Use an earlier version of it."
            )
        tokens = self.sampling.choose(logits, self.uniforms[rows, self.written], chances)  # (B)
        # A chance may be too small for a number, its logarithm is not: so it is measured from the
        # likeliest token's.
        scores = logits.gather(1, tokens[:, None])[:, 0]  # (B)
        logprobs = scores - logits.amax(-1) + best.log()  # (B)
        self.written += 1
        stopped = torch.isin(tokens, self.stop)
        alive = ~stopped & (self.limits > self.written)
        going = tokens
        if not bool(alive.all()):
            order = self.cache.keep(alive)
            self.rows, self.limits, going = rows[order], self.limits[order], tokens[order]
        if len(self.rows):
            self.logits = self._read_on(going)
        return rows, tokens, logprobs, stopped

    def _read_on(self, tokens: Tensor) -> Tensor:
        """The scores (B,V) of what follows one token more of each text, (B)."""
        if len(tokens) == 1 and self.small:  # a single text, and the last one of many
            self.alone = self.alone or Decoding(self.model, self.cache)
            return self.alone.step(int(tokens[0]))[None]
        return self.model.logits(self.model.hidden(tokens[:, None], cache=self.cache)[:, -1])


def generate(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop: int | Collection[int] = (),
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    num_samples: int = 1,
    seed: int = 0,
    pad: int = 0,
    rows_at_once: int = 128,
) -> Generation:
    """Continue every prompt `num_samples` times.

    A text ends with a token of `stop`, after `max_new_tokens`, or where the context ends. Sample s
    of prompt p draws from its own stream of random numbers, fixed by `seed` and its place
    p * num_samples + s: what it becomes does not depend on the texts beside it (but for rounding,
    where two tokens are all but tied). At most `rows_at_once` texts share a batch, which bounds
    memory. `pad` fills short prompts and is never looked at.

    A prompt that is empty or longer than the context is a `TinyLLMError`.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> made = generate(model, [[1, 2], [3]], max_new_tokens=4, num_samples=2)
    >>> [len(ids) for ids in made.ids], made.finish_reasons[0]
    ([4, 4, 4, 4], 'length')
    """
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    stops = {stop} if isinstance(stop, int) else set(stop)
    if max_new_tokens < 1 or num_samples < 1 or rows_at_once < 1:
        raise TinyLLMError(
            "max_new_tokens, num_samples and rows_at_once must be at least 1, got "
            f"{max_new_tokens}, {num_samples} and {rows_at_once}."
        )
    texts = [tuple(prompt) for prompt in prompts for _ in range(num_samples)]
    limits = [room_for(model, prompt, max_new_tokens) for prompt in texts]
    ids: list[list[int]] = [[] for _ in texts]
    logprobs: list[list[float]] = [[] for _ in texts]
    reasons = ["length"] * len(texts)
    # Texts of like length share a batch, so that little of it is padding.
    order = sorted((row for row in range(len(texts)) if limits[row]), key=lambda r: len(texts[r]))
    for first in range(0, len(order), rows_at_once):
        batch = order[first : first + rows_at_once]
        most = max(limits[row] for row in batch)
        writing = _Writing(
            model,
            [texts[row] for row in batch],
            torch.stack([uniform_stream(seed, row, most) for row in batch]),
            limits=torch.tensor([limits[row] for row in batch]),
            sampling=sampling,
            stop=stops,
            pad=pad,
        )
        while len(writing.rows):
            columns = (column.tolist() for column in writing.step())
            for place, token, logprob, stopped in zip(*columns, strict=True):
                row = batch[place]
                ids[row].append(token)
                logprobs[row].append(logprob)
                if stopped:
                    reasons[row] = "stop"
    return Generation(ids=ids, logprobs=logprobs, finish_reasons=reasons)


def stream(
    model: Transformer,
    prompt: Sequence[int],
    *,
    max_new_tokens: int,
    stop: int | Collection[int] = (),
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> Iterator[Token]:
    """The tokens of `generate(model, [prompt], ...)`, each as soon as it is there.

    Close the iterator to stop early.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> written = [token.id for token in stream(model, [1, 2], max_new_tokens=4)]
    >>> written == generate(model, [[1, 2]], max_new_tokens=4).ids[0]
    True
    """
    limit = room_for(model, prompt, max_new_tokens)
    if not limit:
        return
    writing = _Writing(
        model,
        [tuple(prompt)],
        uniform_stream(seed, 0, limit)[None],
        limits=torch.tensor([limit]),
        sampling=Sampling(temperature=temperature, top_k=top_k, top_p=top_p),
        stop={stop} if isinstance(stop, int) else set(stop),
        pad=0,
    )
    while len(writing.rows):
        _, tokens, logprobs, _ = writing.step()
        yield Token(int(tokens[0]), float(logprobs[0]))


def room_for(model: Transformer, prompt: Sequence[int], wanted: int) -> int:
    """How many of `wanted` new tokens fit behind `prompt` in the context."""
    context, vocabulary = model.config.max_position_embeddings, model.config.vocab_size
    if not prompt:
        raise TinyLLMError(
            "The prompt has no tokens. To let the model begin by itself, pass the token that "
            "stands before every document, [tokenizer.end_of_text]."
        )
    if len(prompt) > context:
        raise TinyLLMError(
            f"The prompt has {len(prompt)} tokens and this model reads at most {context}. "
            "Shorten the prompt."
        )
    if not 0 <= min(prompt) <= max(prompt) < vocabulary:
        raise TinyLLMError(
            f"The prompt holds token {max(prompt)} or {min(prompt)}, and this model knows tokens "
            f"0 to {vocabulary - 1}. Encode it with the tokenizer of the same folder."
        )
    return min(wanted, context - len(prompt))
