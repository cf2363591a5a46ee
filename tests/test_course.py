"""Working copies of the notebooks follow the newest edition, except where a learner wrote."""

import json

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


def test_a_notebook_that_was_only_opened_follows_the_newest_edition(shipped, tmp_path):
    home = tmp_path / "notebooks"
    notebook = shipped / "01_corpus.ipynb"
    cell = {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [], "metadata": {}}
    notebook.write_text(json.dumps({"cells": [cell], "metadata": {}}))
    course.copy_notebooks(home)
    opened = {"cells": [{**cell, "execution_count": None}], "metadata": {"kernelspec": "python3"}}
    (home / "01_corpus.ipynb").write_text(json.dumps(opened))
    notebook.write_text(json.dumps({"cells": [{**cell, "source": "x = 2"}], "metadata": {}}))
    course.copy_notebooks(home)
    assert "x = 2" in (home / "01_corpus.ipynb").read_text()
    assert not (home / "01_corpus-new-edition.ipynb").exists()


def test_what_a_cell_showed_counts_as_an_edit(shipped, tmp_path):
    home = tmp_path / "notebooks"
    notebook = shipped / "01_corpus.ipynb"
    cell = {"cell_type": "code", "source": "x", "outputs": [], "metadata": {}}
    notebook.write_text(json.dumps({"cells": [cell]}))
    course.copy_notebooks(home)
    (home / "01_corpus.ipynb").write_text(json.dumps({"cells": [{**cell, "outputs": ["1"]}]}))
    notebook.write_text(json.dumps({"cells": [{**cell, "source": "y"}]}))
    course.copy_notebooks(home)
    assert (home / "01_corpus-new-edition.ipynb").exists()
