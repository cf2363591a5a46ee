"""What moved: the same questions, asked before and after, with the same random numbers.

Two hundred different questions, one answer each from the chat model and from the version that grew
from it. Every row draws from a stream of random numbers of its own (`model.generate`), so equal
weights write equal answers: what differs comes from the weights, and pairs can be compared.

How far a pair of answers moved is told by the models themselves. Let l(y) = log aligned(y) - log
chat(y) be the log-ratio of an answer. Then

    l(after) - l(before)        in nats

are the log odds that the answers come from whom they come from, and not the other way round. That
is 0 where both are the same, small where one toss of the dice led to another good answer, and large
where the new model says what the old one hardly would. Averaged over sampled answers it is KL there
and back (Jeffreys's divergence). How unlike two texts look says less: a single other word early on
makes two texts of one.

The largest changes are not the largest sums: where an answer has lost the thread and goes on and
on, each token adds a little that means nothing, and such a walk comes as far as the root of its
length by chance. So pairs are ranked by nats over the root of the number of their tokens.

Shapes: B answers, T time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyllm.alignment.answers import Answers, lay_out, read_answers
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.readable import words
from tinyllm.alignment.word_changes import WordChange, paired_share, word_changes
from tinyllm.evaluation.intervals import Interval, bootstrap_mean
from tinyllm.events import Progress
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer, generate
from tinyllm.village import refuses

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

VOTED, OTHERS, EVERY = "like those voted on", "other questions", "all questions"
TEMPERATURE = 0.8
"""At which the Chat page answers."""
AT_ONCE = 40
LARGEST = 5


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked; `kind` is the village's, and `group` is measured by itself."""

    prompt: str
    kind: str = ""
    group: str = EVERY


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer, and what both models make of it.

    `pieces` are its tokens, the last one " [end]" where it `finished`; `chat` and `aligned` are
    their log-probabilities in nats at temperature 1.
    """

    text: str
    finished: bool
    pieces: tuple[str, ...]
    chat: tuple[float, ...]
    aligned: tuple[float, ...]

    @property
    def log_ratio(self) -> float:
        """log aligned(answer) - log chat(answer), in nats: the sum over its tokens."""
        return sum(self.aligned) - sum(self.chat)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One question, answered `before` and `after`."""

    question: Question
    before: Said
    after: Said

    @property
    def nats(self) -> float:
        """The log odds that the answers come from whom they come from; 0 if they are the same."""
        return self.after.log_ratio - self.before.log_ratio

    @property
    def far(self) -> float:
        """How far the pair moved: `nats` over the root of the number of tokens of both answers."""
        return self.nats / math.sqrt(len(self.before.pieces) + len(self.after.pieces))


@dataclass(frozen=True, kw_only=True)
class Change:
    """One habit on one group of questions: its mean `before` and `after`, and the `difference`,
    paired by question, with its 95% interval. `share`: of answers, else a number of words."""

    name: str
    group: str
    before: float
    after: float
    difference: Interval
    share: bool = True

    @property
    def detectable(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What is different now: `same` answers of the `pairs` are word for word what they were.

    `words` changed beyond chance, of `tried` that were looked at; `largest` are the pairs that
    moved furthest, of different answers.
    """

    pairs: tuple[Pair, ...]
    same: int
    changes: tuple[Change, ...]
    words: tuple[WordChange, ...]
    tried: int
    largest: tuple[Pair, ...]


def measure_moved(
    chat: Transformer,
    aligned: Transformer,
    tokenizer: Tokenizer,
    questions: Sequence[Question],
    *,
    max_new_tokens: int = 192,
    temperature: float = TEMPERATURE,
    seed: int = 0,
    largest: int = LARGEST,
) -> Generator[Progress, None, Moved]:
    """Ask both models every question once; yields progress and returns what moved.

    `TinyLLMError` if nothing is asked, or the same twice: pairs must not lean on each other.

    >>> from tinyllm.events import result_of
    >>> from tinyllm.model import ModelConfig
    >>> from tinyllm.tokens import Tokenizer
    >>> tokenizer = Tokenizer.from_merges([])
    >>> model = Transformer(ModelConfig(vocab_size=tokenizer.vocab_size, num_hidden_layers=1))
    >>> asked = [Question(prompt="Hello"), Question(prompt="Why?")]
    >>> moved = result_of(measure_moved(model, model, tokenizer, asked, max_new_tokens=4))
    >>> moved.same, len(moved.largest), any(change.detectable for change in moved.changes)
    (2, 0, False)
    """
    if not questions or len({one.prompt for one in questions}) < len(questions):
        raise TinyLLMError(
            f"Expected different questions, one at least; got {len(questions)}. Leave out those "
            "that come again."
        )
    questions = random.Random(seed).sample(questions, len(questions))  # batches of every length
    pairs: list[Pair] = []
    for first in range(0, len(questions), AT_ONCE):
        batch = questions[first : first + AT_ONCE]
        prompts = [encode_prompt(tokenizer, one.prompt) for one in batch]
        sides: list[list[Said]] = []
        for model in (chat, aligned):
            made = generate(
                model,
                prompts,
                max_new_tokens=max_new_tokens,
                stop=tokenizer.end,
                pad=tokenizer.pad,
                temperature=temperature,
                seed=seed * 1_000_003 + first,
            )
            answers = lay_out(prompts, made.ids, pad=tokenizer.pad, end=tokenizer.end)
            sides.append(read_by_both(chat, aligned, tokenizer, answers))
            yield Progress(
                stage="aligned",
                done=2 * first + len(sides) * len(batch),
                total=2 * len(questions),
                unit="answers",
                note="the same questions to both models",
            )
        pairs += [
            Pair(question=one, before=before, after=after)
            for one, before, after in zip(batch, *sides, strict=True)
        ]
    changed = [pair for pair in pairs if pair.before.text != pair.after.text]
    before, after = ([side.text for side in texts] for texts in _sides(pairs))
    beyond_chance, tried = word_changes(before, after, seed=seed)
    return Moved(
        pairs=tuple(pairs),
        same=len(pairs) - len(changed),
        changes=tuple(_changes(pairs)),
        words=tuple(beyond_chance),
        tried=tried,
        largest=tuple(sorted(changed, key=lambda pair: -pair.far)[:largest]),
    )


def read_by_both(
    chat: Transformer, aligned: Transformer, tokenizer: Tokenizer, answers: Answers
) -> list[Said]:
    """What both models make of every answer, whoever wrote it."""
    readings = [read_answers(model, answers).log_probs for model in (chat, aligned)]  # each (B,T)
    said = []
    for row in range(len(answers)):
        ids, mask = answers.completion(row), answers.mask[row]
        here, there = (tuple(log_probs[row][mask].tolist()) for log_probs in readings)
        pieces = [
            piece.decode("utf-8", errors="surrogateescape") for piece in tokenizer.pieces(ids)
        ]
        finished = bool(answers.finished[row])
        said.append(
            Said(
                text=tokenizer.decode(ids),
                finished=finished,
                pieces=(*pieces[:-1], " [end]") if finished else tuple(pieces),
                chat=here,
                aligned=there,
            )
        )
    return said


def _changes(pairs: Sequence[Pair]) -> list[Change]:
    """The habits, group by group; and refusing, where there is something to refuse."""
    found = []
    for group in dict.fromkeys(pair.question.group for pair in pairs):
        some = [pair for pair in pairs if pair.question.group == group]
        before, after = ([len(words(one.text)) for one in side] for side in _sides(some))
        longer = [float(b - a) for a, b in zip(before, after, strict=True)]
        found.append(
            Change(
                name="length in words",
                group=group,
                before=sum(before) / len(some),
                after=sum(after) / len(some),
                difference=bootstrap_mean(longer),
                share=False,
            )
        )
        found.append(_share("ends by itself", group, some, lambda one: one.finished))
        found.append(_share("ends with a question", group, some, _asks))
    for kind, name in (("danger", "refuses dangers"), ("look_alike", "refuses the harmless")):
        some = [pair for pair in pairs if pair.question.kind == kind]
        if some:
            found.append(_share(name, EVERY, some, lambda one: refuses(one.text)))
    return found


def _asks(said: Said) -> bool:
    return said.text.rstrip(" \"'”’").endswith("?")


def _share(name: str, group: str, pairs: Sequence[Pair], has: Callable[[Said], bool]) -> Change:
    before, after = ([has(one) for one in side] for side in _sides(pairs))
    return Change(
        name=name,
        group=group,
        before=sum(before) / len(pairs),
        after=sum(after) / len(pairs),
        difference=paired_share(before, after),
    )


def _sides(pairs: Sequence[Pair]) -> tuple[list[Said], list[Said]]:
    return [pair.before for pair in pairs], [pair.after for pair in pairs]
