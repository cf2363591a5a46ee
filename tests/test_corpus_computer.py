"""This computer as a source: packages, docstrings, licences, documentation folders."""

import gzip
from pathlib import Path

import pytest

from tinyllm.corpus import Document, Ledger, build_corpus, read_card, reading_computer
from tinyllm.corpus.reading_computer import Places, computer_size, docstrings, read_this_computer

LONG = "Bees hum, and this sentence goes on about them for a while. " * 5
MODULE = f'''"""{LONG}"""

def buzz(loud):
    """Say buzz, loudly or not.

    Indented as docstrings are.
    """

    def inner():
        """Nobody asks for this one."""

class Hive:
    "A home."
    async def fly(self): "Fly off."
'''


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip leaves it, with one package in it."""
    info = tmp_path / "site" / "bees-1.0.dist-info"
    (info / "licenses").mkdir(parents=True)
    (tmp_path / "site" / "bees" / "tests").mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Bees\nVersion: 1.0\nLicense-Expression: MIT\n\n"
        "# Bees\n\nA package about bees.\n"
    )
    parts = {
        "bees/__init__.py": MODULE,
        "bees/short.py": '"""Too short."""',
        "bees/broken.py": "def (",
        "bees/escape.py": f'"""{LONG}"""\nx = "\\d"\n',
        "bees/tests/test_it.py": MODULE,
        "bees/data.txt": "not a text of the package",
        "bees-1.0.dist-info/licenses/LICENSE": "You may do what bees may do.",
    }
    for name, text in parts.items():
        (tmp_path / "site" / name).write_text(text)
    lines = [*parts, "bees/gone.py", "bees-1.0.dist-info/METADATA"]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in lines))
    return tmp_path / "site"


def places(site: Path | None = None, *folders: Path, library: Path | None = None) -> Places:
    return Places(path=[str(site)] if site else [], library=library, folders=folders)


def read(where: Places) -> tuple[dict[str, Document], Ledger]:
    ledger = Ledger("read", "")
    return {d.id: d for d in read_this_computer(ledger, places=where)}, ledger


def test_of_a_package_come_description_licences_and_docstrings(site: Path) -> None:
    documents, ledger = read(places(site))
    assert sorted(documents) == [
        "this_computer/bees/bees-1.0.dist-info/licenses/LICENSE",
        "this_computer/bees/bees/__init__.py",
        "this_computer/bees/bees/escape.py",
        "this_computer/bees/description",
    ]
    assert documents["this_computer/bees/description"].text.startswith("# Bees\n")
    module = documents["this_computer/bees/bees/__init__.py"]
    assert module.text.endswith(
        "Say buzz, loudly or not.\n\nIndented as docstrings are.\n\nA home.\n\nFly off.\n"
    )
    assert module.metadata == {
        "source": "this_computer",
        "licence": "MIT",
        "package": "bees",
        "format": "docstrings",
    }
    assert ledger.examples == {
        "Python that this version of Python cannot parse": ["this_computer/bees/bees/broken.py"],
        "no longer there when its turn came": ["this_computer/bees/bees/gone.py"],
    }
    assert ledger.done == computer_size(places(site))


@pytest.mark.parametrize(
    "code",
    [b"def (", b"\0", b"x = \xff", b"(" * 5_000, b"-" * 200_000 + b"1", b"x = 1\n" + b" " * 9],
)
def test_python_that_cannot_be_parsed_does_no_harm(site: Path, code: bytes) -> None:
    (site / "bees" / "__init__.py").write_bytes(code)
    documents, _ = read(places(site))
    assert "this_computer/bees/description" in documents


def test_no_package_takes_more_than_its_share(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_computer, "PACKAGE_CHARACTERS", 100)
    documents, ledger = read(places(site))
    assert len(documents) == 3
    assert ledger.dropped["the rest of a package of more than a million characters"] == 1
    assert ledger.done == computer_size(places(site))


def test_the_documentation_of_the_system_is_read_where_there_is_some(tmp_path: Path) -> None:
    folder = tmp_path / "doc"
    (folder / "pears").mkdir(parents=True)
    (folder / "pears" / "copyright").write_text("Pears are free.")
    (folder / "pears" / "README.gz").write_bytes(gzip.compress(b"How to eat a pear."))
    (folder / "pears" / "changelog.gz").write_bytes(gzip.compress(b"Peeled."))
    (folder / "pears" / "page.html").write_text("<p>A pear.</p>")
    (folder / "pears" / "bomb.txt.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    (folder / "pears" / "cut.txt.gz").write_bytes(gzip.compress(b"Half a pear.")[:-9])
    (folder / "pears" / "fake.txt.gz").write_bytes(b"no gzip")
    (folder / "pears" / "fake.txt").write_bytes(b"\x89PNG\0\0\0\xff" * 99)
    documents, ledger = read(places(None, folder, tmp_path / "missing"))
    assert {name.rpartition("/")[2]: d.text for name, d in documents.items()} == {
        "README.gz": "How to eat a pear.",
        "copyright": "Pears are free.",
        "page.html": "<p>A pear.</p>",
    }
    assert dict(ledger.dropped) == {
        "a file of more than 4 MB": 1,
        "a broken gzip file": 2,
        "binary data and not text, whatever its name says": 1,
    }
    assert {d.metadata["format"] for d in documents.values()} == {"text", "html"}


def test_the_library_of_python_is_read_without_its_tests(tmp_path: Path) -> None:
    for name in ("bees.py", "test/test_bees.py", "site-packages/other.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(MODULE)
    documents, _ = read(places(library=tmp_path))
    assert list(documents) == ["this_computer/python/bees.py"]


def test_this_machine_gives_enough_text_to_train_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Places(path=[str(Path(pytest.__file__).parent.parent)], library=None, folders=())
    names = ("pytest", "numpy", "rich")
    found = reading_computer.distributions

    def few(**options: list[str]) -> list[object]:
        return [d for d in found(**options) if d.metadata["Name"] in names]

    monkeypatch.setattr(reading_computer, "distributions", few)
    monkeypatch.setattr(reading_computer, "Places", lambda: here)
    list(build_corpus(tmp_path / "corpus", ["this_computer"]))
    card = read_card(tmp_path / "corpus")
    assert card["sources"][0]["characters"] > 100_000
    assert "docstrings" in card["steps"][0]["rule"]


def test_docstrings_of_nothing_are_nothing() -> None:
    assert docstrings(b"x = 1").strip() == ""
