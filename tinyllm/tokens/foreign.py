"""The tokenizer of somebody else's model, behind the same promise: text is only ever text.

Two families are read: byte-level BPE, which writes a space as "Ġ" (Llama 3, Qwen, SmolLM), and the
SentencePiece family, which writes it as "▁" and spells in bytes what it has no piece for (Llama 2,
TinyLlama). How a text is cut stays the business of the `tokenizers` library and the rules that came
in tokenizer.json; what is added is what each piece stands for, and which token ends a text.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import tokenizers

from tinyllm.files import TinyLLMError
from tinyllm.tokens.alphabet import BYTES_OF, SPECIAL, to_bytes, well_formed
from tinyllm.tokens.tokenizer import Tokenizer, first_tokens, read_backend

FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)
"""What a tokenizer of `transformers` consists of; only the first is always there."""

BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""How the SentencePiece family names the token of a byte."""


def load_tokenizer(folder: Path | str) -> Tokenizer:
    """The tokenizer of a model folder, ours or another's.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Tokenizer.from_merges([]).save(folder)
    >>> type(load_tokenizer(folder)).__name__
    'Tokenizer'
    """
    backend = read_backend(Path(folder))
    if first_tokens(backend) == SPECIAL:
        return Tokenizer(backend)
    return ForeignTokenizer(backend, Path(folder))


class ForeignTokenizer(Tokenizer):
    """A tokenizer that tinyllm did not train; `load_tokenizer` makes it.

    It has no marks of a conversation that we know of, so its models go on from a text and do not
    chat: for that, `transformers` applies the template that lies in the folder.

    >>> import tempfile
    >>> backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    >>> backend.decoder = tokenizers.decoders.ByteLevel()
    >>> backend.add_special_tokens(["</s>", "<s>"])
    2
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "tokenizer_config.json").write_text('{"eos_token": "</s>"}')
    >>> ForeignTokenizer(backend, folder).end_of_text
    0
    """

    def __init__(self, backend: tokenizers.Tokenizer, folder: Path) -> None:
        kinds = _kinds(json.loads(backend.to_str())["decoder"] or {})
        if not kinds & {"ByteLevel", "ByteFallback", "Metaspace"}:
            raise TinyLLMError(
                f"The tokenizer in {folder} has a decoder of type {', '.join(kinds) or None}; "
                "tinyllm reads byte-level BPE and the SentencePiece family."
            )
        self._folder, self._byte_level = folder, "ByteLevel" in kinds
        self._config = {name: _values(folder / name) for name in FILES[1:3]}
        self._model = _values(folder / "config.json")
        self._added = backend.get_added_tokens_decoder()
        super().__init__(backend)
        end, pad = self._named("eos_token"), self._named("pad_token")
        if end is None:
            raise TinyLLMError(
                f"{folder} does not say which token ends a text: tokenizer_config.json and "
                "config.json name no eos_token."
            )
        self._end_of_text, self._pad = end, end if pad is None else pad
        ids = self.encode("a")
        spelled = b"".join(self.pieces(ids))
        self._adds_space = spelled.startswith(b" ") and backend.decode(ids) == "a"

    def _named(self, name: str) -> int | None:
        """The id of the special token `name`, as one of the folder's files has it."""
        for values in self._config.values():
            token = values.get(name)
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                return self._backend.token_to_id(token)
        number = self._model.get(f"{name}_id")
        return number[0] if isinstance(number, list) else number

    def _read_pieces(self) -> list[bytes]:
        """The bytes of every token by its id; ids that only the model has stand for nothing."""
        names = {n: name for name, n in self._backend.get_vocab(with_added_tokens=True).items()}
        pieces = [b""] * max(max(names, default=-1) + 1, self._model.get("vocab_size") or 0)
        for number, name in names.items():
            added = self._added.get(number)
            pieces[number] = added.content.encode() if added else self._bytes(name)
        return pieces

    def _bytes(self, name: str) -> bytes:
        """The bytes behind a piece's name."""
        if self._byte_level:
            known = all(character in BYTES_OF for character in name)
            return to_bytes(name) if known else name.encode()  # so does the library
        byte = BYTE.fullmatch(name)
        return bytes([int(byte[1], 16)]) if byte else name.replace("▁", " ").encode()

    @property
    def end_of_text(self) -> int:
        """The id of the token that ends a text, `transformers`' eos_token."""
        return self._end_of_text

    @property
    def pad(self) -> int:
        """The id that fills up rows; where there is none, the one that ends a text."""
        return self._pad

    @property
    def end(self) -> int:
        """The id that ends a text: no other ends a turn here."""
        return self.end_of_text

    @property
    def user(self) -> NoReturn:
        """There is none: a `TinyLLMError`."""
        self._refuse_talk()

    @property
    def assistant(self) -> NoReturn:
        """There is none: a `TinyLLMError`."""
        self._refuse_talk()

    def encode_chat(
        self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = False
    ) -> NoReturn:
        """No talk in a foreign template: a `TinyLLMError`."""
        self._refuse_talk()

    def _refuse_talk(self) -> NoReturn:
        raise TinyLLMError(
            f"The model in {self._folder} has another template of conversations than tinyllm's; "
            "here it only goes on from a text. `apply_chat_template` of `transformers` knows it."
        )

    @property
    def merges(self) -> list[tuple[bytes, bytes]]:
        """What each merge joins, the first one first."""
        pairs = json.loads(self._backend.to_str())["model"].get("merges", [])
        return [(self._bytes(left), self._bytes(right)) for left, right in pairs]

    def encode_prompt(self, text: str) -> list[int]:
        """A text with what this model wants before it, as its own tokenizer.json puts it there."""
        ids: list[int] = self._backend.encode(well_formed(text)).ids
        return ids or [self.end_of_text]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some tokens, as `transformers` decodes it; special tokens are dropped."""
        ordinary = [n for n in ids if not (n in self._added and self._added[n].special)]
        text = b"".join(self.pieces(ordinary)).decode("utf-8", errors="replace")
        return text.removeprefix(" ") if self._adds_space else text

    def save(self, folder: Path, *, eos_token: str = "") -> None:
        """Copy the tokenizer's files into `folder`, just as they came: `eos_token` stays theirs."""
        for name in FILES:
            if (self._folder / name).exists():
                shutil.copy(self._folder / name, folder / name)


def _kinds(decoder: Mapping[str, Any]) -> set[str]:
    """The names of a decoder and of those that it is put together from."""
    inner = (_kinds(one) for one in decoder.get("decoders", ()))
    return {str(decoder.get("type", ""))}.union(*inner) - {"", "Sequence"}


def _values(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is no file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TinyLLMError(
            f"{path} cannot be read ({error}). Delete its folder, and make or download it again."
        ) from error
    return values if isinstance(values, dict) else {}
