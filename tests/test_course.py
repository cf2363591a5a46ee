"""Working copies of the notebooks follow the newest edition, except where a learner wrote."""

import pytest

from tinyllm import course


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "00_welcome.ipynb").write_text("first edition")
    monkeypatch.setattr(course, "course_folder", lambda _name: folder)
    return folder


def test_an_untouched_copy_follows_the_newest_edition(shipped, tmp_path):
    home = tmp_path / "notebooks"
    assert [p.name for p in course.copy_notebooks(home)] == ["00_welcome.ipynb"]
    assert course.copy_notebooks(home) == []
    (shipped / "00_welcome.ipynb").write_text("second edition")
    course.copy_notebooks(home)
    assert (home / "00_welcome.ipynb").read_text() == "second edition"


def test_an_edited_copy_is_never_written_over(shipped, tmp_path):
    home = tmp_path / "notebooks"
    course.copy_notebooks(home)
    (home / "00_welcome.ipynb").write_text("my notes")
    course.copy_notebooks(home)
    assert (home / "00_welcome.ipynb").read_text() == "my notes"
    (shipped / "00_welcome.ipynb").write_text("second edition")
    course.copy_notebooks(home)
    assert (home / "00_welcome.ipynb").read_text() == "my notes"
    assert (home / "00_welcome-new-edition.ipynb").read_text() == "second edition"


def test_the_module_that_the_notebooks_import_comes_along(shipped, tmp_path):
    (shipped / "live.py").write_text("x = 1")
    course.copy_notebooks(tmp_path / "notebooks")
    assert (tmp_path / "notebooks" / "live.py").read_text() == "x = 1"
