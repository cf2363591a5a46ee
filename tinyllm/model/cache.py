"""The keys and values of the tokens read so far, so that each is computed once.

Shapes: L layers, B rows (texts), K key heads, S tokens so far, D channels of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tinyllm.files import TinyLLMError
from tinyllm.model.config import ModelConfig


class KVCache:
    """Room for `length` tokens of `rows` texts, taken at the start and filled from the left.

    Texts of unequal length are padded on the left, so that all of them end in the same slot;
    `padding` (B) counts the pads of each row, None meaning that there are none.

    >>> cache = KVCache(ModelConfig(), rows=2, length=8)
    >>> keys = values = torch.ones(2, 4, 3, 32)
    >>> cache.append(0, keys, values)[0].shape
    torch.Size([2, 4, 3, 32])
    """

    def __init__(
        self,
        config: ModelConfig,
        rows: int,
        length: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.config = config
        shape = (config.num_hidden_layers, rows, config.num_key_value_heads, length)
        self.keys = torch.empty(*shape, config.head_dim, dtype=dtype, device=device)
        self.values = torch.empty_like(self.keys)  # (L,B,K,length,D)
        self.padding: Tensor | None = None
        self.rows = rows
        self.length = 0

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the keys and values (B,K,T,D) of T new tokens; return all so far, (B,K,S,D).

        `length` stays as it is until every layer has stored its own; the model then raises it.
        """
        room, end = self.keys.shape[3], self.length + keys.shape[2]
        if end > room:
            raise TinyLLMError(
                f"The cache has room for {room} tokens and got {end}; make it longer."
            )
        for store, new in ((self.keys, keys), (self.values, values)):
            store[layer, : self.rows, :, self.length : end] = new
        return self.keys[layer, : self.rows, :, :end], self.values[layer, : self.rows, :, :end]

    def take(self, rows: Tensor, length: int) -> KVCache:
        """A new cache with room for `length` tokens whose rows are the rows named, repeats too."""
        new = KVCache(
            self.config, len(rows), length, dtype=self.keys.dtype, device=self.keys.device
        )
        for store, old in ((new.keys, self.keys), (new.values, self.values)):
            store[:, :, :, : self.length] = old[:, rows, :, : self.length]
        new.padding = None if self.padding is None else self.padding[rows]
        new.length = self.length
        return new

    def keep(self, alive: Tensor) -> Tensor:
        """Drop the rows where `alive` (B) is False; return the old numbers of those that stay.

        The last rows that stay move into the gaps, so the cost is that of the rows that leave.

        >>> cache = KVCache(ModelConfig(), rows=4, length=8)
        >>> cache.keep(torch.tensor([True, False, True, True]))
        tensor([0, 3, 2])
        """
        count = int(alive.sum())
        order = torch.arange(count, device=alive.device)
        gaps = (~alive[:count]).nonzero()[:, 0]
        movers = count + alive[count:].nonzero()[:, 0]
        order[gaps] = movers
        for store in (self.keys, self.values):
            store[:, gaps, :, : self.length] = store[:, movers, :, : self.length]
        if self.padding is not None:
            self.padding = self.padding[order]
        self.rows = count
        return order


def left_padding(mask: Tensor) -> Tensor:
    """How many pads stand left of each text of mask (B,T); pads elsewhere are an error."""
    padding = (~mask).sum(1)
    if not torch.equal(mask, torch.arange(mask.shape[1], device=mask.device) >= padding[:, None]):
        raise ValueError(
            "expected a boolean mask (B,T) that is False only left of each text; padding on the "
            "right needs no mask, since no token sees what comes after it"
        )
    return padding
