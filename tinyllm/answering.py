"""Letting a finished model write: for the terminal, the notebooks and the apps alike.

A base model goes on from what stands there; a chat model answers. What a person types is always
encoded as text: "<|end|>" in a message is seven characters and never the token.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyllm.files import TinyLLMError, read_manifest, sha256
from tinyllm.runs import Run, home

if TYPE_CHECKING:
    from tinyllm.alignment import FeedbackStore, Record
    from tinyllm.model import Transformer
    from tinyllm.tokens import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One sample: what was asked, what came, why it ended, and how likely it was.

    `logprob` is the natural logarithm of the completion's probability under the model itself
    (temperature 1, nothing cut off), summed over its tokens.
    """

    prompt: str
    completion: str
    finish_reason: str
    logprob: float
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `tinyllm generate --json` prints."""
        fields = asdict(self)
        return {k: fields[k] for k in ("prompt", "completion", "finish_reason", "logprob")}


@dataclass(frozen=True)
class Writer:
    """A model, its tokenizer, and how to ask it."""

    model: Transformer
    tokenizer: Tokenizer
    folder: Path
    continues: bool

    @classmethod
    def open(cls, run: str | Run = "default", stage: str | None = None) -> Writer:
        """Open `base`, `chat` or `aligned` of a run, or a model folder given as a path."""
        from tinyllm import load

        if stage is None or stage in ("base", "chat", "aligned"):
            chosen = Run.named(run) if isinstance(run, str) else run
            folder = chosen.model(stage)
        else:
            folder = Path(stage)
            if not folder.is_dir():
                raise TinyLLMError(
                    f"--stage is base, chat, aligned or a model folder; there is no folder {stage}."
                )
        model, tokenizer = load(folder)
        return cls(model, tokenizer, folder, continues=not _answers(folder, tokenizer))

    @property
    def label(self) -> str:
        """One line that says which model this is."""
        size = sum(p.numel() for p in self.model.parameters())
        origin = beforehand(self.folder) or f"from {self.folder}"
        return f"{self.folder.name} model of {size / 1e6:.2f}M parameters {origin}"

    def prompt_ids(self, prompt: str) -> list[int]:
        """The tokens that the model is given: the text itself, or a turn of talk that asks it."""
        if self.continues:
            return self.tokenizer.encode_prompt(prompt)
        talk = [{"role": "user", "content": prompt}]
        return self.tokenizer.encode_chat(talk, add_generation_prompt=True)

    @property
    def stop(self) -> int:
        """The token that ends what the model writes."""
        return self.tokenizer.end_of_text if self.continues else self.tokenizer.end

    def write(
        self,
        prompts: Sequence[str],
        *,
        samples: int = 1,
        max_new_tokens: int = 128,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        rows: int = 256,
    ) -> Iterator[Answer]:
        """Yield `samples` answers to each prompt, prompt by prompt, `rows` prompts at a time."""
        from tinyllm.model import generate

        for start in range(0, len(prompts), rows):
            asked = [(text, self.prompt_ids(text)) for text in prompts[start : start + rows]]
            made = generate(
                self.model,
                [ids for _, ids in asked],
                num_samples=samples,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                seed=seed + start,
                stop=self.stop,
                pad=self.tokenizer.pad,
            )
            repeated = [one for one in asked for _ in range(samples)]
            for (text, ids), new, logprobs, reason in zip(
                repeated, made.ids, made.logprobs, made.finish_reasons, strict=True
            ):
                yield self._answer(text, ids, new, sum(logprobs), reason)

    def _answer(
        self, prompt: str, ids: Sequence[int], new: Sequence[int], logprob: float, reason: str
    ) -> Answer:
        before = self.tokenizer.decode(ids)  # a first space may be part of the text, or of none
        return Answer(
            prompt=prompt,
            completion=self.tokenizer.decode([*ids, *new])[len(before) :],
            finish_reason=reason,
            logprob=logprob,
            prompt_ids=tuple(ids),
            completion_ids=tuple(new),
        )

    def stream(
        self,
        prompt: str,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> Iterator[Answer]:
        """Yield one answer as it grows, whole characters only; the last one is complete."""
        from tinyllm.model import stream

        asked = self.prompt_ids(prompt)
        ids: list[int] = []
        logprob = 0.0
        for token in stream(
            self.model,
            asked,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            stop=self.stop,
        ):
            ids.append(token.id)
            logprob += token.logprob
            reason = "stop" if token.id == self.stop else "length"
            answer = self._answer(prompt, asked, ids, logprob, reason)
            if not answer.completion.endswith("\N{REPLACEMENT CHARACTER}"):
                yield answer
        yield self._answer(prompt, asked, ids, logprob, "stop" if self.stop in ids else "length")

    def next_tokens(self, prompt: str, k: int = 10) -> list[tuple[str, float]]:
        """The `k` likeliest next pieces of text and their probabilities, likeliest first."""
        from tinyllm.model import next_tokens

        likeliest = next_tokens(self.model, self.prompt_ids(prompt), k=k)
        return [
            (self.tokenizer.pieces([i])[0].decode("utf-8", errors="replace"), probability)
            for i, probability in likeliest
        ]


def _answers(folder: Path, tokenizer: Tokenizer) -> bool:
    """Whether a model answers: its texts end where a turn ends. So it is with chat and aligned, and
    with what other tools made of them; any other model goes on from what stands there."""
    from tinyllm.model import read_config

    ends = read_config(folder).get("eos_token_id")
    return bool(ends == tokenizer.end != tokenizer.end_of_text)


def beforehand(folder: Path) -> str:
    """How a model that came with the package is always called: it is not from this machine.

    Empty for any other.
    """
    if not (folder / "manifest.json").exists():
        return ""
    tokens = read_manifest(folder).get("beforehand", {}).get("tokens")
    return f"trained beforehand on {tokens / 1e6:,.0f}M tokens" if tokens else ""


def feedback_database() -> str | Path:
    """Where feedback is kept: at `TINYLLM_DATABASE_URL`, else in `feedback.db` at home."""
    return os.environ.get("TINYLLM_DATABASE_URL") or home() / "feedback.db"


def policy_hash(folder: Path) -> str:
    """What names the weights of a model folder in feedback and manifests."""
    return sha256(folder / "model.safetensors")


def lineage(run: Run) -> list[str]:
    """The hashes of the run's chat model and of the versions grown from it."""
    from tinyllm.alignment import list_versions

    folders = [run.chat] if run.done("chat") else []
    folders += [version.folder for version in list_versions(run.aligned)]
    return [policy_hash(folder) for folder in folders]


def keep_thumb(
    store: FeedbackStore,
    answer: Answer,
    value: int,
    *,
    folder: Path,
    turn: str | None = None,
    sampler: Mapping[str, Any] | None = None,
) -> Record:
    """Store a thumb (+1 or -1) on an answer that the model in `folder` gave."""
    from tinyllm import alignment

    return store.add_thumb(
        answer.prompt,
        alignment.Answer(
            text=answer.completion, ids=answer.completion_ids, finish_reason=answer.finish_reason
        ),
        value,
        turn=turn,
        prompt_ids=answer.prompt_ids,
        origin=alignment.Origin(
            policy_hash=policy_hash(folder),
            tokenizer_hash=sha256(folder / "tokenizer.json"),
            sampler=dict(sampler or {}),
        ),
    )
