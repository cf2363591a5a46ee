"""Cause and effect: what a change of the data does to the model, measured beside a control."""

from tinyllm.effects.compare import compare_data
from tinyllm.effects.ready import compare_pair, comparison_folder
from tinyllm.effects.results import NOTHING, Compared, Comparison, Result, difference_of
from tinyllm.effects.variants import COPIES, FILTERS, PAGES, PAIRS, Pair, Variant

__all__ = [
    "COPIES",
    "FILTERS",
    "NOTHING",
    "PAGES",
    "PAIRS",
    "Compared",
    "Comparison",
    "Pair",
    "Result",
    "Variant",
    "compare_data",
    "compare_pair",
    "comparison_folder",
    "difference_of",
]
