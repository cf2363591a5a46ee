"""Which of the policies on the way is the one that is taken."""

import torch

from tinyllm.alignment import policy_training


def test_the_last_policy_that_is_as_good_as_the_best_is_kept():
    generator = torch.Generator().manual_seed(0)
    chance = torch.randn(128, generator=generator)

    def earned(step, rewards):
        return policy_training.Checkpoint(step=step, steps=9, rewards=rewards, weights={})

    before, best = earned(0, chance), earned(3, chance + 1)
    as_good = earned(6, chance + 0.98 + 0.5 * torch.randn(128, generator=generator))
    worse = earned(9, chance + 0.9)
    assert policy_training.last_as_good([before]).step == 0
    assert policy_training.last_as_good([before, best]).step == 3
    assert policy_training.last_as_good([before, best, worse]).step == 3
    assert policy_training.last_as_good([before, best, as_good, worse]).step == 6
