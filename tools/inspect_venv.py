"""Print, as JSON, what is installed in the Python that runs this, and what is damaged.

A distribution is damaged where it lost its record, or something that its record names. Only the
first part of each path is looked at: that finds a deleted package and costs a fraction of a second.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import Distribution, distributions


def is_damaged(distribution: Distribution) -> bool:
    """Whether the record, or a folder or file that it names, is gone."""
    record = distribution.read_text("RECORD")
    if not record:
        return True
    paths = {line.split(",")[0].strip('"').split("/")[0] for line in record.splitlines()}
    names = paths - {"", "..", "__pycache__"}
    return not all(distribution.locate_file(name).exists() for name in names)  # type: ignore[attr-defined]


def main() -> None:
    """Print `{"python": [major, minor], "packages": {name: version}, "damaged": [name, ...]}`."""
    packages: dict[str, str] = {}
    damaged: list[str] = []
    for distribution in distributions():
        name, version = distribution.metadata["Name"], distribution.version
        if not name or not version:
            damaged.append(str(name))
            continue
        key = name.lower().replace("_", "-").replace(".", "-")
        packages[key] = version
        if is_damaged(distribution):
            damaged.append(key)
    report = {"python": sys.version_info[:2], "packages": packages, "damaged": damaged}
    print(json.dumps(report, sort_keys=True))


if __name__ == "__main__":
    main()
