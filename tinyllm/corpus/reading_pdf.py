"""Reading a PDF: pypdf, in a process of its own that has a bound on time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tinyllm.corpus.document import UnreadableError

PROGRAM = Path(__file__).with_name("pdf_pages.py")
LOOK_EVERY = 0.05


@dataclass(frozen=True, kw_only=True)
class PdfLimits:
    """How long we wait for a page and for a whole PDF (seconds), and how much memory it may take
    (bytes)."""

    page_seconds: float = 20.0
    seconds: float = 300.0
    memory: int = 1_000_000_000


def read_pdf(
    file: Path, note: Callable[[str], None], *, limits: PdfLimits | None = None
) -> Iterator[str]:
    """The text of a PDF, a page at a time, an empty line behind each.

    A PDF without any text is an `UnreadableError`; `note` is told which pages are missing. Time is
    counted only while a page is waited for, so whoever stops asking loses nothing.
    """
    program = _Program(file, limits or PdfLimits())
    read = 0
    try:
        for line in program.lines():
            if line.get("text"):
                read += 1
                yield line["text"].rstrip() + "\n\n"
            elif line.get("note"):
                note(line["note"])
            elif line.get("end"):
                raise UnreadableError(line["end"])
            else:
                return
    finally:
        program.end()
    reason = program.stopped_for or "a broken PDF: its reader crashed"
    if not read:
        raise UnreadableError(reason)
    note(reason)


class _Program:
    """The process that reads, and the thread that watches it: no system can bound both the time
    and the memory of a process in one same way, so another looks on and ends it."""

    def __init__(self, file: Path, limits: PdfLimits) -> None:
        self.stopped_for: str | None = None
        self._limits = limits
        self._waiting_since: float | None = None
        self._waited = 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), str(file.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def lines(self) -> Iterator[dict[str, str]]:
        """What the process says, until it ends or is ended."""
        assert self._process.stdout is not None
        while True:
            started = self._waiting_since = time.monotonic()
            line = self._process.stdout.readline()
            self._waiting_since = None
            self._waited += time.monotonic() - started
            if not line.endswith("\n"):
                return
            yield json.loads(line)

    def end(self) -> None:
        """End the process, if it has not ended, and let go of its pipe."""
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._watcher.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _watch(self) -> None:
        with suppress(psutil.Error):  # it has ended, and there is nothing to watch
            process = psutil.Process(self._process.pid)
            while self._process.poll() is None:
                self.stopped_for = self._verdict(process.memory_info().rss)
                if self.stopped_for is not None:
                    self._process.kill()
                    return
                time.sleep(LOOK_EVERY)

    def _verdict(self, memory: int) -> str | None:
        since = self._waiting_since
        waiting = time.monotonic() - since if since is not None else 0.0
        if memory > self._limits.memory:
            return f"a PDF that takes more than {self._limits.memory // 1_000_000:,} MB of memory"
        if waiting > self._limits.page_seconds:
            return f"a PDF that takes more than {self._limits.page_seconds:g} s for a page"
        if self._waited + waiting > self._limits.seconds:
            return f"a PDF that takes more than {self._limits.seconds:g} s"
        return None
