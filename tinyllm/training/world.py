"""Many processes, one model: each learns from its own rows of every batch.

`torchrun --nproc-per-node 8 -m tinyllm train …` starts eight equal processes and tells each its
number, its *rank*. Every one holds the whole model and reads the same stream of batches, but
computes with its own rows alone; then the gradients are added up, and all take the same step: data
parallelism. PyTorch's `DistributedDataParallel` does that piece by piece while backward is still at
work, which pays where the exchange takes long; here it is one for all, the loss included.

`Gradients` is the forward and backward pass of the loop. It also cuts a batch that does not fit
into memory into pieces, one after the other (gradient accumulation): the gradient is the same.
"""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from tinyllm.files import TinyLLMError
from tinyllm.training.batches import IGNORED, Batch

PATIENCE = timedelta(hours=12)
"""How long the others wait while the first process reads and cleans text."""


@dataclass(frozen=True, kw_only=True)
class World:
    """This process among those that train together: number `rank` of `size`.

    >>> World().first
    True
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def joined(cls, environment: Mapping[str, str] | None = None) -> World:
        """The world that torchrun started this process in; alone without it.

        The processes meet through gloo, or through NCCL where each has a GPU of its own.

        >>> World.joined({})
        World(rank=0, size=1)
        """
        found = os.environ if environment is None else environment
        size = int(found.get("WORLD_SIZE", 1))
        if size == 1:
            return cls()
        if not dist.is_initialized():
            local = int(found.get("LOCAL_RANK", 0))
            if torch.cuda.is_available() and torch.cuda.device_count() > local:
                torch.cuda.set_device(local)
                dist.init_process_group("nccl", timeout=PATIENCE)
            else:
                dist.init_process_group("gloo", timeout=PATIENCE)
            atexit.register(dist.destroy_process_group)  # its threads must end before Python does
        return cls(rank=dist.get_rank(), size=dist.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and talks to the person."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """Where what is exchanged has to lie."""
        return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")

    def agree(self, value: Any) -> Any:
        """The first process's `value`, JSON values, in every process; all must call it.

        >>> World().agree({"steps": 100})
        {'steps': 100}
        """
        if self.size == 1:
            return value
        text = json.dumps(value).encode() if self.first else b""
        length = torch.tensor([len(text)], device=self.device)
        dist.broadcast(length, src=0)
        letters = torch.zeros(int(length), dtype=torch.uint8, device=self.device)
        if self.first:
            letters.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))
        dist.broadcast(letters, src=0)
        return json.loads(bytes(letters.tolist()))

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put in the place of each tensor its sum over all processes, in one exchange for all.

        Sums are made in float32, whatever the tensors' dtype.

        >>> World().add_up([torch.ones(2)])
        """
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten().float() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


ALONE = World()


def parts_of(batch: Batch, count: int) -> list[Batch]:
    """The rows of `batch` in `count` parts, as equal as can be.

    >>> batch = Batch(ids=torch.arange(6).view(3, 2), targets=torch.arange(6).view(3, 2))
    >>> [part.ids.tolist() for part in parts_of(batch, 2)]
    [[[0, 1], [2, 3]], [[4, 5]]]
    """
    rows = len(batch.ids)
    if rows < count:
        raise TinyLLMError(
            f"A batch of {rows} rows cannot be cut into {count} parts, one for each process and "
            "piece. Take fewer processes or pieces, or more rows."
        )
    ids, targets = batch.ids.tensor_split(count), batch.targets.tensor_split(count)
    whole = batch.documents
    documents = [None] * count if whole is None else whole.tensor_split(count)
    return [
        Batch(ids=i, targets=t, documents=d)
        for i, t, d in zip(ids, targets, documents, strict=True)
    ]


class Gradients:
    """Forward and backward of a batch: in `pieces`, and each process with its own rows.

    Called with a batch it adds the gradient of the mean loss over all its targets to the weights
    and returns that mean, in nats, and the further figures. Both are those of the whole batch in
    one go, to rounding, however it is cut; only a `Batch` can be.

    >>> from tinyllm.model import ModelConfig, Transformer
    >>> from tinyllm.training import next_token_loss
    >>> model = Transformer(ModelConfig(vocab_size=16, num_hidden_layers=1))
    >>> batch = Batch(ids=torch.tensor([[1, 2], [3, 4]]), targets=torch.tensor([[2, 3], [4, -100]]))
    >>> whole, _ = Gradients(model, next_token_loss)(batch)
    >>> cut, _ = Gradients(model, next_token_loss, pieces=2)(batch)
    >>> abs(whole - cut) < 1e-6
    True
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Any, Any], tuple[Tensor, dict[str, float]]],
        *,
        pieces: int = 1,
        world: World = ALONE,
    ) -> None:
        self.model, self.loss = model, loss
        self.pieces, self.world = pieces, world

    def __call__(self, batch: Any) -> tuple[float, dict[str, float]]:
        """The gradient of one batch; returns its loss and what else `loss` says."""
        if self.world.size * self.pieces == 1:
            value, metrics = self.loss(self.model, batch)
            value.backward()  # type: ignore[no-untyped-call]
            return value.item(), metrics
        return self._in_parts(batch)

    def _in_parts(self, batch: Batch) -> tuple[float, dict[str, float]]:
        world, pieces = self.world, self.pieces
        parts = parts_of(batch, world.size * pieces)
        targets = _targets(batch)
        sums: dict[str, Tensor] = {}
        for part in parts[world.rank * pieces : (world.rank + 1) * pieces]:
            share = _targets(part) / targets
            value, metrics = self.loss(self.model, part)
            (value * share).backward()  # type: ignore[no-untyped-call]
            found = {"": value.item(), **metrics}
            for name, figure in found.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + figure * share
        gradients = [w.grad for w in self.model.parameters() if w.grad is not None]
        world.add_up([*gradients, *sums.values()])
        loss, *others = (figure.item() for figure in sums.values())
        return loss, dict(zip(list(sums)[1:], others, strict=True))


def _targets(batch: Batch) -> int:
    return int((batch.targets != IGNORED).sum())
