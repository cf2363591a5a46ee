"""Votes of people who do not exist."""

import torch

from tinyllm.alignment.thumbs import Votes


def simulate(votes, features, seed, pairs=0):
    """Thumbs (then pairs) of a person whose taste is the first feature."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(votes + pairs, features, generator=generator, dtype=torch.float64)
    noise = torch.rand(votes + pairs, generator=generator, dtype=torch.float64)
    up = (noise < torch.sigmoid(3 * x[:, 0])).double()
    return Votes(x=x, up=up, thumb=torch.arange(votes + pairs) < votes)
