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


def swapped(votes):
    """The same votes from the last to the first, the sides of every pair exchanged."""
    order = torch.arange(len(votes) - 1, -1, -1)
    sign = torch.where(votes.thumb, 1.0, -1.0)
    return Votes(
        x=(votes.x * sign[:, None])[order],
        up=torch.where(votes.thumb, votes.up, 1 - votes.up)[order],
        thumb=votes.thumb[order],
    )
