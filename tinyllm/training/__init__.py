"""Stages 3 and 4: the loop by which a model learns, and what it needs to be stopped at any time.

`train` is the loop; `packed_batches` and `example_batches` feed it, `optimizer_for` and `Schedule`
move the weights, `keep` saves the state, `plan_for` says how long. `pretrain` and `finetune` put
them together.
"""

from tinyllm.training.batches import (
    IGNORED,
    Batch,
    Documents,
    Example,
    example_batches,
    join,
    packed_batches,
)
from tinyllm.training.finetuning import encode_examples, finetune
from tinyllm.training.loop import train
from tinyllm.training.losses import next_token_loss
from tinyllm.training.muon import Muon, orthogonalize
from tinyllm.training.optimizers import AdamW, Optimizer, Rates, masters_of, optimizer_for
from tinyllm.training.packing import best_fit, pack_documents
from tinyllm.training.plan import Plan
from tinyllm.training.pretraining import pretrain
from tinyllm.training.schedule import Schedule
from tinyllm.training.stage import saved_plan
from tinyllm.training.state import (
    Position,
    delete_state,
    keep,
    load_state,
    save_state,
    saved_from,
)
from tinyllm.training.timing import available_threads, plan_for, size_for, time_steps

__all__ = [
    "IGNORED",
    "AdamW",
    "Batch",
    "Documents",
    "Example",
    "Muon",
    "Optimizer",
    "Plan",
    "Position",
    "Rates",
    "Schedule",
    "available_threads",
    "best_fit",
    "delete_state",
    "encode_examples",
    "example_batches",
    "finetune",
    "join",
    "keep",
    "load_state",
    "masters_of",
    "next_token_loss",
    "optimizer_for",
    "orthogonalize",
    "pack_documents",
    "packed_batches",
    "plan_for",
    "pretrain",
    "save_state",
    "saved_from",
    "saved_plan",
    "size_for",
    "time_steps",
    "train",
]
