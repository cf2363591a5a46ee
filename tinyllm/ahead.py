"""Questions answered before anybody asks for them, so that the next is there at once.

A thread of its own lets the chat model write, a batch at a time, and after every vote looks again
for what explains the votes. Whoever takes a question takes the next one of a list that is ready.
One thread does both, in turn, so that they do not compete for two cores, and rests when there is
nothing to do.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

from tinyllm import alignment
from tinyllm.alignment import FeedbackStore, Origin, Record, capped
from tinyllm.alignment.anchor import write_anchor
from tinyllm.alignment.asking import AT_RANDOM, Asked, Question, QuestionPool
from tinyllm.alignment.voter import Voter
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.answering import Writer, policy_hash
from tinyllm.background import Background
from tinyllm.events import Event, Progress
from tinyllm.files import TinyLLMError, UsageError, sha256

STAGE = "aligned"
READY = 128
"""Questions that are kept ready: as many to choose from."""
FIRST, BATCH = 8, 32
"""Questions in the first batch, so that somebody can begin, and in each of the others."""
USUAL, SAMPLES = 64, 4
"""Prompts that are answered so many times to learn what is usual."""
TEMPERATURE, MAX_NEW_TOKENS = 0.8, 192
LOOK_EVERY = 0.25
"""Seconds between two words of progress to somebody who waits."""


class Ahead:
    """Questions about answers of a chat model, `take` one and `vote` on it.

    `prompts` are asked in their order, and again with other answers when all were; votes go to
    `store`, and what counts is what it holds as valid for the models in `lineage` (this one alone,
    unless given), so that a vote taken back is one no more (say `look_again`). With `pairs` two
    answers are compared. `reward` is the folder of the base reward model, if there is one.

    With the same seed and the same votes the questions are the same, if there is time enough to
    learn from a vote before the next question is taken (`settle` waits for that).

    >>> import tempfile
    >>> from tinyllm.model import ModelConfig, Transformer, save_model
    >>> from tinyllm.tokens import Tokenizer
    >>> home, tokenizer = Path(tempfile.mkdtemp()), Tokenizer.from_merges([])
    >>> model = Transformer(ModelConfig(vocab_size=tokenizer.vocab_size, num_hidden_layers=1))
    >>> save_model(model, tokenizer, home / "chat", eos=tokenizer.end, stage="chat")
    >>> store = FeedbackStore(home / "feedback.db")
    >>> with Ahead(Writer.open(stage=str(home / "chat")), ["Hello", "Sing"], store) as ahead:
    ...     question = ahead.take()
    ...     record = ahead.vote(question, -1)
    >>> question.prompt, record.value, record.chosen_by
    ('Hello', -1, 'random')
    """

    def __init__(
        self,
        writer: Writer,
        prompts: Sequence[str],
        store: FeedbackStore,
        *,
        pairs: bool = False,
        reward: Path | None = None,
        lineage: Sequence[str] | None = None,
        at_random: float = AT_RANDOM,
        ready: int = READY,
        seed: int = 0,
    ) -> None:
        if writer.continues:
            raise UsageError(
                f"{writer.folder.name} goes on from what stands there and answers nothing. "
                "Questions need a chat model."
            )
        if not prompts or ready < FIRST:
            raise ValueError(
                f"expected at least one prompt and at least {FIRST} questions kept ready, got "
                f"{len(prompts)} and {ready}"
            )
        self._writer, self._prompts, self._store = writer, list(dict.fromkeys(prompts)), store
        self._samples, self._reward, self._ready, self._seed = 1 + pairs, reward, ready, seed
        own = policy_hash(writer.folder)
        self._lineage = [own] if lineage is None else list(lineage)
        self._origin = Origin(
            policy_hash=own,
            tokenizer_hash=sha256(writer.folder / "tokenizer.json"),
            reward_version=policy_hash(reward) if reward else None,
            sampler={
                "temperature": TEMPERATURE,
                "max_new_tokens": MAX_NEW_TOKENS,
                "seed": seed,
            },
        )
        self._pool = QuestionPool(at_random)
        self._questions: dict[int, Asked] = {}
        self._expected: dict[int, float] = {}
        self._seen: set[tuple[str, ...]] = set()  # a prompt and its answers
        self._rng = random.Random(seed)  # the order in which the answers of a pair are shown
        self._asked = 0  # prompts answered so far
        self._exhausted = self._closed = False
        self._stale = True
        self._voter: Voter | None = None
        self._error: BaseException | None = None
        self._batch_began, self._batch_took = time.monotonic(), 0.0
        self._changed = threading.Condition()
        self._background = Background(self._work)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> Self:
        """Begin to write."""
        self._background.start()
        return self

    def close(self) -> None:
        """Stop writing, once the batch at hand is done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._background.stop()
        if self._background.running:
            self._background.join()

    def __len__(self) -> int:
        with self._changed:
            return len(self._pool)

    def wait(self) -> Iterator[Progress]:
        """Until a question is ready, say how many seconds that will take; nothing if one is.

        What went wrong in the thread is raised here, and so by `take`, as a `TinyLLMError`.
        """
        while True:
            with self._changed:
                if self._answered():
                    return
                self._changed.wait(LOOK_EVERY)
                if self._answered():
                    return
                spent = time.monotonic() - self._batch_began
            yield Progress(
                stage=STAGE, done=0, total=1, unit="questions", note="the model is still answering",
                eta_seconds=max(0.0, self._batch_took - spent) if self._batch_took else None,
            )  # fmt: skip

    def take(self) -> Question:
        """The next question; waits if none is ready."""
        while True:
            for _ in self.wait():
                pass
            with self._changed:
                if len(self._pool):
                    return self._next()

    def vote(self, question: Question, verdict: int | str) -> Record:
        """Keep a vote: +1 or -1 for one answer, "a", "b", "tie" or "both_bad" for two.

        When this returns, the vote lies on the disk. What it teaches is found out in the thread.
        """
        fields: dict[str, Any] = {
            "origin": self._origin,
            "prompt_ids": question.prompt_ids,
            "predicted": question.predicted,
            "chosen_by": question.chosen_by,
        }
        if isinstance(verdict, str):
            a, b = question.answers
            record = self._store.add_pair(
                question.prompt, a, b, verdict, shown=question.shown, **fields
            )
        else:
            (answer,) = question.answers
            record = self._store.add_thumb(question.prompt, answer, verdict, **fields)
        self.look_again()
        return record

    def look_again(self) -> None:
        """The votes in the store have changed: find out what explains them now."""
        with self._changed:
            self._stale = True
            self._background.resume()

    def settle(self) -> None:
        """Wait until all votes are learned from and as many questions are ready as should be."""
        with self._changed:
            self._changed.wait_for(lambda: self._over() or self._rests())
            self._raise()

    def _next(self) -> Question:
        number, chosen_by = self._pool.take()
        prompt, answers = self._questions.pop(number)
        self._background.resume()
        return Question(
            prompt=prompt,
            answers=answers,
            prompt_ids=tuple(self._writer.prompt_ids(prompt)),
            chosen_by=chosen_by,
            predicted=self._expected.pop(number, None),
            shown=self._rng.choice(("ab", "ba")) if len(answers) == 2 else "ab",
        )

    def _answered(self) -> bool:
        """Whether a question is ready; raises what makes waiting vain."""
        self._raise()
        if not len(self._pool) and self._exhausted:
            raise TinyLLMError(
                "The model has no answer left that was not asked about yet. Give it more prompts."
            )
        return len(self._pool) > 0

    def _over(self) -> bool:
        return self._error is not None or self._closed

    def _raise(self) -> None:
        if self._error is not None:
            raise TinyLLMError(
                f"Writing answers ahead stopped with an error: {self._error} The votes so far are "
                "kept; open the questions again."
            ) from self._error
        if self._closed:
            raise TinyLLMError("These questions were closed; open them again to go on.")

    def _rests(self) -> bool:
        """Whether the thread has nothing to do."""
        enough = self._exhausted or len(self._pool) > self._ready - BATCH
        return enough and not self._stale and self._voter is not None

    def _work(self) -> Iterator[Event]:
        try:
            for count in (FIRST, BATCH):  # so that there is something to vote on meanwhile
                self._write(count)
                yield Progress(stage=STAGE, done=len(self), total=self._ready, unit="questions")
            yield from self._learn_what_is_usual()
            while True:
                with self._changed:
                    rests, count = self._rests(), len(self._pool)
                    learns = self._stale and (count >= FIRST or self._exhausted)
                    if rests:
                        self._background.pause()
                        self._changed.notify_all()
                    elif learns:
                        self._stale = False
                if learns:
                    self._learn()
                elif not rests:
                    self._write(BATCH)
                yield Progress(stage=STAGE, done=count, total=self._ready, unit="questions")
        except Exception as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
            raise

    def _write(self, count: int) -> None:
        """Answer `count` prompts more, and put on the list what was not asked about yet."""
        self._batch_began = time.monotonic()
        places = range(self._asked, self._asked + count)
        prompts = [self._prompts[place % len(self._prompts)] for place in places]
        self._asked += count
        written = self._writer.write(
            prompts,
            samples=self._samples,
            temperature=TEMPERATURE,
            max_new_tokens=MAX_NEW_TOKENS,
            seed=self._seed * 1_000_003 + places[0],
        )
        new: dict[int, Asked] = {}
        for place, prompt in zip(places, prompts, strict=True):
            answers = tuple(
                alignment.Answer(
                    text=each.completion, ids=each.completion_ids, finish_reason=each.finish_reason
                )
                for each in islice(written, self._samples)
            )
            texts = (prompt, *(answer.text for answer in answers))
            if len(set(texts[1:])) == self._samples and texts not in self._seen:
                self._seen.add(texts)
                new[place] = prompt, answers
        with self._changed:
            self._questions.update(new)
            self._pool.add(new)
            self._exhausted = not new
            self._batch_took = time.monotonic() - self._batch_began
            self._changed.notify_all()
        self._rank()

    def _learn_what_is_usual(self) -> Generator[Progress, None, None]:
        model, tokenizer = self._writer.model, self._writer.tokenizer
        usual = self._prompts[:USUAL]
        anchor = yield from write_anchor(
            model,
            [self._writer.prompt_ids(prompt) for prompt in usual],
            num_samples=SAMPLES,
            max_new_tokens=MAX_NEW_TOKENS,
            end=tokenizer.end,
            pad=tokenizer.pad,
            seed=self._seed,
        )
        base = WeighedReward.load(self._reward) if self._reward else None
        voter = Voter(model, tokenizer, anchor, usual, base=base)
        with self._changed:
            self._voter = voter

    def _learn(self) -> None:
        """Explain the votes that there are now."""
        assert self._voter is not None
        self._voter.learn(capped(self._store.valid(self._lineage)))
        self._rank()

    def _rank(self) -> None:
        """In which order to ask what is ready, and what to expect."""
        if self._voter is None or self._voter.told is None:
            return
        with self._changed:
            questions = dict(self._questions)
            rankable = self._pool.rankable
        expected = self._voter.expect(list(questions.values()))
        ranking = self._voter.rank([questions[number] for number in rankable])
        with self._changed:
            self._expected = dict(zip(questions, expected, strict=True))
            self._pool.rank(rankable[row] for row in ranking)
