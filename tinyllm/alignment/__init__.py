"""Stage 5: from thumbs and comparisons to a model that answers more as people like it.

Feedback is kept in `store`. Reward models turn it into a number for any answer: a network for
thousands of comparisons (`reward`, `preferences`), an average of simple `explanations` for a few
dozen thumbs. The policy moves towards higher reward by one of `methods`, at a price for every nat
that it moves away (`kl`); where the ways of paying lead is seen on a `bandit`. `align` runs all of
it and writes a version (`versions`), which the gate in `promotion` lets through or not.
"""

from tinyllm.alignment.advantages import leave_one_out, whiten
from tinyllm.alignment.align import align
from tinyllm.alignment.methods import METHODS
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.promotion import Canaries
from tinyllm.alignment.records import Answer, Origin, Record, capped, valid_records
from tinyllm.alignment.reward import RewardModel, bradley_terry
from tinyllm.alignment.reward_training import Questions, RewardConfig, train_reward
from tinyllm.alignment.store import FeedbackStore
from tinyllm.alignment.versions import Version, current, list_versions, promote, roll_back
from tinyllm.alignment.village_feedback import (
    village_canaries,
    village_candidates,
    village_prompts,
    village_questions,
    village_trial,
)

__all__ = [
    "METHODS",
    "Answer",
    "Canaries",
    "FeedbackStore",
    "Origin",
    "PolicyConfig",
    "Questions",
    "Record",
    "RewardConfig",
    "RewardModel",
    "Version",
    "align",
    "bradley_terry",
    "capped",
    "current",
    "leave_one_out",
    "list_versions",
    "promote",
    "roll_back",
    "train_reward",
    "valid_records",
    "village_canaries",
    "village_candidates",
    "village_prompts",
    "village_questions",
    "village_trial",
    "whiten",
]
