"""Events and tables become plotly figures, each with a text that says what the figure shows."""

from tinyllm.figures.album import album_chart
from tinyllm.figures.asking import labels_chart
from tinyllm.figures.bandit import arms_chart, simplex_chart
from tinyllm.figures.card import (
    card_charts,
    copies_chart,
    languages_chart,
    lengths_chart,
    reasons_chart,
)
from tinyllm.figures.chart import Chart, refresh, show_spaces, to_div, to_html
from tinyllm.figures.comparison import comparison_chart
from tinyllm.figures.corpus import corpus_chart
from tinyllm.figures.grades import before_after, consistency_bars, grade_bars, share_bars
from tinyllm.figures.inside import attention_heatmap
from tinyllm.figures.log_ratios import TokenMap, log_ratio_tokens
from tinyllm.figures.loss import loss_chart
from tinyllm.figures.moved import influence_chart, moved_chart
from tinyllm.figures.overoptimisation import overoptimisation_chart
from tinyllm.figures.person import taste_found_chart
from tinyllm.figures.reliability import foreseen_chart, reliability_chart
from tinyllm.figures.rewards import pair_accuracy_chart, rlhf_chart
from tinyllm.figures.stages import stage_chart
from tinyllm.figures.taste import taste_chart
from tinyllm.figures.tokens import merges_chart, next_token_bars, token_lengths

__all__ = [
    "Chart",
    "TokenMap",
    "album_chart",
    "arms_chart",
    "attention_heatmap",
    "before_after",
    "card_charts",
    "comparison_chart",
    "consistency_bars",
    "copies_chart",
    "corpus_chart",
    "foreseen_chart",
    "grade_bars",
    "influence_chart",
    "labels_chart",
    "languages_chart",
    "lengths_chart",
    "log_ratio_tokens",
    "loss_chart",
    "merges_chart",
    "moved_chart",
    "next_token_bars",
    "overoptimisation_chart",
    "pair_accuracy_chart",
    "reasons_chart",
    "refresh",
    "reliability_chart",
    "rlhf_chart",
    "share_bars",
    "show_spaces",
    "simplex_chart",
    "stage_chart",
    "taste_chart",
    "taste_found_chart",
    "to_div",
    "to_html",
    "token_lengths",
]
