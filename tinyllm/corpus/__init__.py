"""Stage 1: documents, the steps that clean them, text shards and a dataset card.

A document is a text, an id and metadata; a step is a generator of documents from documents that
says what it dropped and why.
"""

from tinyllm.corpus.build import build_corpus
from tinyllm.corpus.document import Document, Ledger, Rejection, Step
from tinyllm.corpus.pipeline import STEPS
from tinyllm.corpus.reading import expected_size, read_source
from tinyllm.corpus.reading_folder import read_folder
from tinyllm.corpus.reading_village import read_village
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
    "expected_size",
    "parse_source",
    "read_card",
    "read_folder",
    "read_source",
    "read_text",
    "read_village",
]
