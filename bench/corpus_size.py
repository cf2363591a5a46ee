"""The corpus stage on a folder of dirty pages: pages a second, and the memory of all processes.

    python bench/corpus_size.py [--megabytes 10] [--workers N] [--folder PATH]

Writes pages, a file each, runs the whole stage over them in another process, and adds up the
resident memory of that process and its children every tenth of a second. The pages are written
into a temporary folder, or into --folder, where they stay and are read again next time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tinyllm.village.dirt import dirty_pages

STAGE = """
import json, sys
from pathlib import Path
from tinyllm.corpus import build_corpus

if __name__ == "__main__":
    corpus, pages, workers = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    for event in build_corpus(corpus, [pages], workers=workers):
        pass
"""


def write_pages(folder: Path, megabytes: float, seed: int = 0) -> tuple[int, int]:
    """Write pages until they hold so many megabytes; how many, and how many bytes."""
    size = 0
    for count, line in enumerate(dirty_pages(seed=seed)):
        raw = line["text"].encode("utf-8")
        place = folder / f"{count // 1000:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{count:07}.html").write_bytes(raw)
        size += len(raw)
        if size >= megabytes * 1e6:
            return count + 1, size
    raise AssertionError("the stream of pages has no end")


def weigh_pages(folder: Path) -> tuple[int, int]:
    """How many pages are in this folder, and how many bytes."""
    sizes = [page.stat().st_size for page in folder.rglob("*.html")]
    return len(sizes), sum(sizes)


def watch(process: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a process; the most memory that it and its children had, in bytes."""
    most = 0.0
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            break
        most = max(most, sum(map(_resident, family)))
        time.sleep(0.1)
    return most


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def run(
    megabytes: float = 10, workers: int | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Write the pages, run the stage, and say how long it took and how much memory it had."""
    with tempfile.TemporaryDirectory(prefix="tinyllm-bench-") as name:
        home = Path(name)
        place = folder or home / "pages"
        there = place.is_dir() and any(place.iterdir())
        pages, size = weigh_pages(place) if there else write_pages(place, megabytes)
        script = home / "stage.py"
        script.write_text(STAGE, encoding="utf-8")
        arguments = [str(home / "corpus"), str(place), json.dumps(workers)]
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, str(script), *arguments])
        most = watch(process)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"the stage ended with code {process.returncode}")
        card = json.loads((home / "corpus" / "card.json").read_text(encoding="utf-8"))
    return {
        "pages": pages,
        "megabytes": round(size / 1e6, 1),
        "workers": workers or "chosen",
        "seconds": round(seconds, 1),
        "pages_a_second": round(pages / seconds, 1),
        "peak_megabytes_of_memory": round(most / 1e6),
        "documents": {split: tally["documents"] for split, tally in card["splits"].items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--folder", type=Path, help="where the pages are, or are to be, kept")
    arguments = parser.parse_args()
    result = run(arguments.megabytes, arguments.workers, arguments.folder)
    print(json.dumps(result, indent=2))
