"""Which processor computes, and that it computes rightly; and memory that stays with us."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

TOLERANCE = 1e-3
"""How far an accelerator's small float32 results may lie from the CPU's, absolutely."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one kind of device: whether to use it, and why or why not."""

    name: str
    usable: bool
    reason: str


def survey_devices() -> list[Finding]:
    """Every kind of device in the order of preference, each tried with a small computation.

    >>> survey_devices()[-1]
    Finding(name='cpu', usable=True, reason='always there')
    """
    findings = []
    for name, there in (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
    ):
        if not there:
            findings.append(Finding(name=name, usable=False, reason="none in this machine"))
            continue
        fault = _fault(torch.device(name))
        findings.append(Finding(name=name, usable=not fault, reason=fault or "agrees with the CPU"))
    return [*findings, Finding(name="cpu", usable=True, reason="always there")]


def choose_device() -> torch.device:
    """The first device of `survey_devices` that can be used: cuda, mps, or cpu.

    An accelerator that disagrees with the CPU on a small computation, or fails at it, is passed
    over; `survey_devices` tells why.

    >>> choose_device().type in ("cuda", "mps", "cpu")
    True
    """
    return torch.device(next(finding.name for finding in survey_devices() if finding.usable))


def _fault(device: torch.device) -> str:
    """What is wrong with `device`; empty when it agrees with the CPU."""
    try:
        ours, theirs = _compute(torch.device("cpu")), _compute(device)
    except RuntimeError as error:  # what a device lacks is one too
        return f"fails at a small computation ({str(error).splitlines()[0]})"
    gap = max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))
    if not gap <= TOLERANCE:  # NaN too
        return f"differs from the CPU by {gap:.2g} on a small computation"
    return ""


def _compute(device: torch.device) -> tuple[Tensor, ...]:
    """What a transformer does, in small: norm, products, attention, cumulative sum, gradient."""
    numbers = torch.linspace(-2.0, 2.0, 2 * 16 * 8).sin().view(1, 2, 16, 8)
    x = numbers.to(device).requires_grad_()
    y = F.rms_norm(x, (8,), eps=1e-6)
    y = F.scaled_dot_product_attention(y, y @ y.transpose(-2, -1) @ y, y, is_causal=True)
    y = F.silu(y).softmax(-1).cumsum(-1)
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    return y.detach().cpu(), gradient.cpu()


def keep_freed_memory() -> bool:
    """Ask the C library to reuse memory that tensors gave back, and not to return it at once.

    By default glibc hands blocks of megabytes back to the system and asks for them again at the
    next operation, and the system clears every page anew: measured, 7,000 page faults and an
    eighth of the time of a training step of the size `nano`. Elsewhere than with glibc this does
    nothing and says False.
    """
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8  # names of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    gigabyte = 1 << 30
    wanted = ((mmap_threshold, gigabyte), (trim_threshold, gigabyte), (arena_max, 1))
    done: list[int] = [mallopt(what, value) for what, value in wanted]
    return all(done)
