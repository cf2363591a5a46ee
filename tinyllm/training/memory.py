"""Memory that is freed and taken again at each step stays with the process.

The scores of a batch, 2,048 places x 4,096 tokens, fill 32 MiB, and glibc gives so large a piece
back to the system as soon as it is freed. The system then fills the next one with zeros, page by
page: a tenth of a step of the smallest model, or more (`bench/allocator.py`). Elsewhere than on
Linux with glibc nothing is changed.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Numbers of `mallopt(3)`."""
_USUAL = {_MMAP_MAX: 65_536, _TRIM_THRESHOLD: 128 << 10, _TOP_PAD: 128 << 10}
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 256 << 20}


def keep_memory(keep: bool = True) -> bool:
    """Ask the allocator of this process to keep what is freed; whether it can be asked at all.

    `keep=False` goes back to what is usual. The memory is free for the next training, and is
    given back when the process ends.

    >>> keep_memory() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    options = _KEPT if keep else _USUAL
    return all(mallopt(option, value) == 1 for option, value in options.items())
