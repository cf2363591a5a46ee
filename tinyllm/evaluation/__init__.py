"""Losses beside their rulers, graders with intervals, win rates: measured, not claimed.

Measuring takes seconds to minutes, so every measurement is a generator: it yields `Progress` while
it works and *returns* its result. Inside another generator that is `result = yield from
measure(...)`; where nobody watches, `result_of(measure(...))`.
"""

from tinyllm.evaluation.intervals import Interval, bootstrap_mean, bootstrap_ratio, wilson
from tinyllm.evaluation.loss import HeldOut, held_out_loss
from tinyllm.evaluation.report import (
    FULL,
    QUICK,
    Amounts,
    Report,
    evaluate_aligned,
    evaluate_base,
    evaluate_chat,
)
from tinyllm.evaluation.rulers import baselines, rulers_of
from tinyllm.evaluation.table import COLUMNS, Row, rows_of
from tinyllm.evaluation.verdicts import Verdict, diagnose
from tinyllm.events import result_of

__all__ = [
    "COLUMNS",
    "FULL",
    "QUICK",
    "Amounts",
    "HeldOut",
    "Interval",
    "Report",
    "Row",
    "Verdict",
    "baselines",
    "bootstrap_mean",
    "bootstrap_ratio",
    "diagnose",
    "evaluate_aligned",
    "evaluate_base",
    "evaluate_chat",
    "held_out_loss",
    "result_of",
    "rows_of",
    "rulers_of",
    "wilson",
]
