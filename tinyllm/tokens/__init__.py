"""Stage 2: from text to numbers. Byte-level BPE by hand, a tokenizer, and the encoded corpus.

Read `minimal.py` first, then `bpe.py`, which finds the same merges faster.
"""

from tinyllm.tokens.alphabet import BYTE_IDS, FIRST_MERGE, SPECIAL
from tinyllm.tokens.bpe import train_bpe
from tinyllm.tokens.build import build_tokenizer
from tinyllm.tokens.chat import CHAT_TEMPLATE
from tinyllm.tokens.copying import CopyMeter, longest_copies
from tinyllm.tokens.foreign import ForeignTokenizer, load_tokenizer
from tinyllm.tokens.minimal import merge, train_bpe_minimal
from tinyllm.tokens.shards import TokenShards, encode_corpus
from tinyllm.tokens.tokenizer import Tokenizer, train_tokenizer
from tinyllm.tokens.words import split_words

__all__ = [
    "BYTE_IDS",
    "CHAT_TEMPLATE",
    "FIRST_MERGE",
    "SPECIAL",
    "CopyMeter",
    "ForeignTokenizer",
    "TokenShards",
    "Tokenizer",
    "build_tokenizer",
    "encode_corpus",
    "load_tokenizer",
    "longest_copies",
    "merge",
    "split_words",
    "train_bpe",
    "train_bpe_minimal",
    "train_tokenizer",
]
