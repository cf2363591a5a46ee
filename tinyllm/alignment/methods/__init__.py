"""The ways from judged answers to a better policy, each in a file of its own.

To begin with: `best_of_n`, `rloo` (the default), `ppo` and `dpo`. For those who want to go on:
`reinforce`, `grpo`, `kto`, `rejection`. `METHODS` names those that train; best-of-n trains nothing.
"""

from tinyllm.alignment.methods.best_of_n import best_of_n, best_of_n_kl, best_rows
from tinyllm.alignment.methods.dpo import dpo
from tinyllm.alignment.methods.grpo import grpo
from tinyllm.alignment.methods.kto import kto
from tinyllm.alignment.methods.method import Ingredients, Learning, Method
from tinyllm.alignment.methods.ppo import ppo
from tinyllm.alignment.methods.reinforce import reinforce
from tinyllm.alignment.methods.rejection import rejection
from tinyllm.alignment.methods.rloo import rloo

METHODS: dict[str, Method] = {
    "rloo": rloo,
    "ppo": ppo,
    "dpo": dpo,
    "reinforce": reinforce,
    "grpo": grpo,
    "kto": kto,
    "rejection": rejection,
}
"""By the names that `tinyllm align --method` takes; the first is the default."""

__all__ = [
    "METHODS",
    "Ingredients",
    "Learning",
    "Method",
    "best_of_n",
    "best_of_n_kl",
    "best_rows",
    "dpo",
    "grpo",
    "kto",
    "ppo",
    "reinforce",
    "rejection",
    "rloo",
]
