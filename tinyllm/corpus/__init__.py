"""Stage 1: documents, the steps that clean them, text shards and a dataset card.

A document is a text, an id and metadata; a step is a generator of documents from documents that
says what it dropped and why.
"""

from tinyllm.corpus.build import build_corpus
from tinyllm.corpus.document import Document, Ledger, Rejection, Step
from tinyllm.corpus.pipeline import STEPS
from tinyllm.corpus.readers import read_folder, read_village
from tinyllm.corpus.shards import corpus_size, read_card, read_text
from tinyllm.corpus.sources import Source, parse_source

__all__ = [
    "STEPS",
    "Document",
    "Ledger",
    "Rejection",
    "Source",
    "Step",
    "build_corpus",
    "corpus_size",
    "parse_source",
    "read_card",
    "read_folder",
    "read_text",
    "read_village",
]
