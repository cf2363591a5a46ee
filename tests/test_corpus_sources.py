"""What `--from` means, and what is said about each source."""

from pathlib import Path

import pytest

from tinyllm.corpus import reading_folder
from tinyllm.corpus.sources import HARDNESS, LICENCES, Source, parse_source, tell_apart
from tinyllm.files import UsageError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("village", Source(name="village", kind="village")),
        ("this_computer", Source(name="this_computer", kind="this_computer")),
        ("gutenberg", Source(name="gutenberg", kind="gutenberg")),
        ("gutenberg:11,012,11", Source(name="gutenberg:11,012,11", kind="gutenberg", at="11,12")),
        ("hf:a/b:c", Source(name="hf:a/b:c", kind="huggingface", at="a/b:c")),
        (
            "http://127.0.0.1:80/a/?b#c",
            Source(name="127.0.0.1:80/a", kind="web", at="http://127.0.0.1:80/a/?b"),
        ),
    ],
)
def test_each_source_has_its_form(text: str, source: Source) -> None:
    assert parse_source(text) == source


def test_a_path_is_a_folder_even_if_it_is_called_like_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "village").mkdir()
    monkeypatch.chdir(tmp_path)
    source = parse_source("./village")
    assert (source.kind, source.name, source.path) == ("folder", "village", Path("village"))


@pytest.mark.parametrize(
    "text",
    ["no/such", "", "a\0b", "x" * 5_000, "ftp://a/b", "https://", "http://[/", "http://a:b/"],
)
def test_what_is_no_source_names_what_exists(text: str) -> None:
    words = r"`village`.*file or folder.*\.docx.*this_computer.*gutenberg.*https.*hf:NAME"
    with pytest.raises(UsageError, match=words):
        parse_source(text)


@pytest.mark.parametrize("text", ["gutenberg:", "gutenberg:Alice", "gutenberg:1,,2", "gutenberg:²"])
def test_books_are_asked_for_by_number(text: str) -> None:
    with pytest.raises(UsageError, match="gutenberg:11,12"):
        parse_source(text)


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(UsageError, match="name or password") as caught:
        parse_source("https://me:hunter2@example.org/")
    assert "hunter2" not in str(caught.value)


def test_every_kind_says_its_licence_and_how_hard_it_is() -> None:
    assert LICENCES.keys() == HARDNESS.keys()
    for kind in LICENCES:
        source = Source(name="x", kind=kind)
        assert source.licence == LICENCES[kind]
        assert source.hardness == HARDNESS[kind]


def test_the_village_comes_first_and_names_are_told_apart() -> None:
    sources = [
        Source(name="a", kind="web"),
        Source(name="a", kind="folder"),
        Source(name="village"),
    ]
    assert [source.name for source in tell_apart(sources)] == ["village", "a", "a (2)"]


def test_the_readme_names_every_kind_of_source() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    for text in ("`village`", "`this_computer`", "`https://…`", "`gutenberg`", "`hf:NAME`"):
        assert f"| {text}" in readme
    for suffix in (*reading_folder.TEXT[:1], ".md", ".html", *reading_folder.READERS):
        assert suffix in readme
