"""A trained tokenizer: text to token ids and back, and the files that every other tool opens.

The work is done by the `tokenizers` library; what is ours is the promise. Text is only ever text:
somebody who types "<|end|>" gets the seven tokens of those characters, never the special token,
so nobody can end the assistant's turn or speak in its place from inside a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from tinyllm.files import TinyLLMError, atomic_write
from tinyllm.tokens.alphabet import (
    BYTE_IDS,
    FIRST_MERGE,
    SPECIAL,
    to_bytes,
    to_characters,
    well_formed,
)
from tinyllm.tokens.bpe import check_vocab_size
from tinyllm.tokens.chat import CHAT_TEMPLATE, check_messages


class Tokenizer:
    """Byte-level BPE with five special tokens; made by `train_tokenizer`, `from_merges` or `load`.

    >>> tokenizer = train_tokenizer(["the cat saw the other cat on the mat"], vocab_size=264)
    >>> tokenizer.encode("that"), tokenizer.pieces(tokenizer.encode("that"))
    ([88, 76, 263], [b't', b'h', b'at'])
    >>> tokenizer.decode(tokenizer.encode("any text: déjà vu"))
    'any text: déjà vu'
    """

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        self._backend = backend
        self._backend.encode_special_tokens = True  # typed text is never a special token
        self._backend.no_truncation()  # `transformers` may have left its last settings in the file
        self._backend.no_padding()
        self._pieces = self._read_pieces()

    def _read_pieces(self) -> list[bytes]:
        """The bytes of every token by its id."""
        vocabulary = self._backend.get_vocab(with_added_tokens=True)
        pieces = [b""] * len(vocabulary)
        for name, number in vocabulary.items():
            pieces[number] = name.encode("utf-8") if number < len(SPECIAL) else to_bytes(name)
        return pieces

    @classmethod
    def from_merges(cls, merges: Iterable[tuple[int, int]]) -> Tokenizer:
        """The tokenizer that applies these merges: pairs of ids, the first of which makes 261.

        >>> from tinyllm.tokens import train_bpe
        >>> merges = [(m.left, m.right) for m in train_bpe(["the other mother"], 264)]
        >>> Tokenizer.from_merges(merges).merges
        [(b'h', b'e'), (b't', b'he'), (b'o', b'the')]
        """
        pieces = [b""] * FIRST_MERGE
        for byte, number in enumerate(BYTE_IDS):
            pieces[number] = bytes([byte])
        pairs = []
        for left, right in merges:
            pieces.append(pieces[left] + pieces[right])
            pairs.append((to_characters(pieces[left]), to_characters(pieces[right])))
        names = [*SPECIAL, *map(to_characters, pieces[len(SPECIAL) :])]
        backend = _empty(models.BPE(vocab={name: n for n, name in enumerate(names)}, merges=pairs))
        backend.add_special_tokens(list(SPECIAL))
        return cls(backend)

    @property
    def vocab_size(self) -> int:
        """Special tokens, bytes and merges together."""
        return len(self._pieces)

    @property
    def end_of_text(self) -> int:
        """The id of `<|endoftext|>`, which stands before every document and after the last."""
        return 0

    @property
    def pad(self) -> int:
        """The id of `<|pad|>`, which fills up the shorter rows of a batch."""
        return 1

    @property
    def user(self) -> int:
        """The id of `<|user|>`, which begins what a person says."""
        return 2

    @property
    def assistant(self) -> int:
        """The id of `<|assistant|>`, which begins what the model says."""
        return 3

    @property
    def end(self) -> int:
        """The id of `<|end|>`, which ends a turn."""
        return 4

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """What each merge joined, in the order in which training found them."""
        pairs = json.loads(self._backend.to_str())["model"]["merges"]
        return [(to_bytes(left), to_bytes(right)) for left, right in pairs]

    def encode(self, text: str) -> list[int]:
        """The token ids of a text, none of them special, whatever the text contains.

        Every text that UTF-8 can hold comes back unchanged from `decode`. Surrogates, which it
        cannot hold, are resolved first (see `alphabet.well_formed`).

        >>> 4 in Tokenizer.from_merges([]).encode("bye<|end|>")
        False
        """
        ids: list[int] = self._backend.encode(well_formed(text), add_special_tokens=False).ids
        return ids

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """`encode` for many texts at once, on all processor cores."""
        encodings = self._backend.encode_batch_fast(
            [well_formed(text) for text in texts], add_special_tokens=False
        )
        return [encoding.ids for encoding in encodings]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some tokens; special tokens are dropped.

        Tokens that end in the middle of a character leave U+FFFD in its place.

        >>> Tokenizer.from_merges([]).decode([0, 76, 77, 4])
        'hi'
        """
        ordinary = [number for number in ids if not 0 <= number < len(SPECIAL)]
        return b"".join(self.pieces(ordinary)).decode("utf-8", errors="replace")

    def pieces(self, ids: Iterable[int]) -> list[bytes]:
        """The bytes that each token stands for; for a special token, its name.

        >>> Tokenizer.from_merges([]).pieces([2, 76, 77])
        [b'<|user|>', b'h', b'i']
        """
        pieces: list[bytes] = []
        for number in ids:
            if not 0 <= number < len(self._pieces):
                raise ValueError(
                    f"expected token ids from 0 to {len(self._pieces) - 1}, got {number}; "
                    "was the text encoded with another tokenizer?"
                )
            pieces.append(self._pieces[number])
        return pieces

    def encode_prompt(self, text: str) -> list[int]:
        """The tokens of a text that a base model is to go on from: `<|endoftext|>`, then the text.

        >>> Tokenizer.from_merges([]).encode_prompt("hi")
        [0, 76, 77]
        """
        return [self.end_of_text, *self.encode(text)]

    def encode_chat(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = False
    ) -> list[int]:
        """The tokens of a conversation: `<|user|>PROMPT<|end|><|assistant|>ANSWER<|end|>`.

        Messages are {"role": "user" or "assistant", "content": text}. With
        `add_generation_prompt` the tokens end with `<|assistant|>`: it is the model's turn.
        `transformers` gives the same ids with `apply_chat_template`, except where a message holds
        the name of a special token: there `transformers` makes the token of it, and this does not.

        >>> tokenizer = Tokenizer.from_merges([])
        >>> talk = [{"role": "user", "content": "hi"}]
        >>> tokenizer.encode_chat(talk, add_generation_prompt=True)
        [2, 76, 77, 4, 3]
        """
        check_messages(messages)
        begins = {"user": self.user, "assistant": self.assistant}
        ids: list[int] = []
        for message in messages:
            ids += [begins[message["role"]], *self.encode(message["content"]), self.end]
        return [*ids, self.assistant] if add_generation_prompt else ids

    def save(self, folder: Path, *, eos_token: str = "<|endoftext|>") -> None:
        """Write tokenizer.json, tokenizer_config.json and merges.txt into `folder`.

        `transformers.AutoTokenizer.from_pretrained(folder)` opens it. `eos_token` is what other
        tools take for the end of an answer: "<|end|>" suits the folder of a chat model.
        """
        if eos_token not in SPECIAL:
            raise ValueError(f"expected eos_token to be one of {SPECIAL}, got {eos_token!r}")
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": SPECIAL[0],
            "eos_token": eos_token,
            "pad_token": SPECIAL[1],
            "extra_special_tokens": list(SPECIAL[2:]),
            "padding_side": "left",
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        }
        lines = [f"{to_characters(left)} {to_characters(right)}" for left, right in self.merges]
        atomic_write(folder / "merges.txt", "\n".join(["#version: 0.2", *lines]) + "\n")
        atomic_write(folder / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")
        atomic_write(folder / "tokenizer.json", self._backend.to_str(pretty=True) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Open what `save` wrote. A missing or damaged file is a `TinyLLMError` that says which."""
        backend = read_backend(Path(folder))
        if (found := first_tokens(backend)) != SPECIAL:
            raise TinyLLMError(
                f"This is not a tokenizer of tinyllm: expected the tokens {', '.join(SPECIAL)} "
                f"with ids 0 to 4, got {', '.join(map(str, found))}. "
                "Train one with `tinyllm train --until tokenizer`."
            )
        return cls(backend)


def read_backend(folder: Path) -> tokenizers.Tokenizer:
    """The `tokenizers.Tokenizer` in a folder's tokenizer.json, whoever made it."""
    path = folder / "tokenizer.json"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TinyLLMError(
            f"There is no tokenizer in {folder} ({error.strerror or error}). "
            "Train one with `tinyllm train --until tokenizer`."
        ) from error
    try:
        return tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises a bare Exception
        raise TinyLLMError(
            f"{path} is damaged or not a tokenizer ({error}). Delete its folder, and make or "
            "download it again."
        ) from error


def first_tokens(backend: tokenizers.Tokenizer) -> tuple[str | None, ...]:
    """The tokens 0 to 4; those of tinyllm's tokenizers are `SPECIAL`."""
    return tuple(backend.id_to_token(number) for number in range(len(SPECIAL)))


def train_tokenizer(
    texts: Iterable[str], *, vocab_size: int = 2048, min_frequency: int = 1
) -> Tokenizer:
    """Train byte-level BPE with the `tokenizers` library: the merges of `bpe.train_bpe`.

    The vocabulary stays smaller than `vocab_size` when no pair occurs `min_frequency` times.

    >>> train_tokenizer(["the cat saw the other cat on the mat"], vocab_size=264).merges
    [(b'h', b'e'), (b't', b'he'), (b'a', b't')]
    """
    check_vocab_size(vocab_size)
    backend = _empty(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator((well_formed(text) for text in texts), trainer)
    return Tokenizer(backend)


def _empty(model: models.BPE) -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(model)
    # Assigned through Any: the library's type stubs leave these properties read-only.
    parts: Any = backend
    parts.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    parts.decoder = decoders.ByteLevel()
    return backend
