"""Files are written whole or not at all."""

import errno
import os

import pytest

from tinyllm.files import (
    TinyLLMError,
    atomic_folder,
    atomic_write,
    read_manifest,
    sha256,
    write_manifest,
)


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "card.md"
    atomic_write(path, "old")

    def full(_source, _target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TinyLLMError, match="No space left"):
        atomic_write(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["card.md"]


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path):
    target = tmp_path / "base"
    with atomic_folder(target) as folder:
        (folder / "a").write_text("1")

    def break_off():
        with atomic_folder(target) as folder:
            (folder / "b").write_text("2")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert [p.name for p in target.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["base"]


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path):
    for name in ("a", "b"):
        with atomic_folder(tmp_path / "base") as folder:
            (folder / name).write_text(name)
    assert [p.name for p in tmp_path.rglob("*")] == ["base", "b"]


def test_a_full_disk_inside_a_folder_is_said_in_one_sentence(tmp_path):
    def fill():
        with atomic_folder(tmp_path / "base"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TinyLLMError, match=r"Could not write .*base: No space left on device"):
        fill()


def test_the_hash_of_a_folder_changes_with_a_name_or_a_byte_but_not_with_its_manifest(tmp_path):
    (tmp_path / "a").write_text("1")
    first = sha256(tmp_path)
    write_manifest(tmp_path, stage="base")
    assert sha256(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    second = sha256(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, sha256(tmp_path)}) == 3


def test_a_manifest_of_another_version_is_refused(tmp_path):
    write_manifest(tmp_path, format=99)
    with pytest.raises(TinyLLMError, match="another version"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", [None, "{", "[]x", "[]"])
def test_a_missing_or_broken_manifest_is_a_clear_error(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(TinyLLMError, match=r"manifest\.json"):
        read_manifest(tmp_path)
