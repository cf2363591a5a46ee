"""Versions stand side by side; one is named as the one in use."""

import pytest

from tinyllm.alignment.versions import current, list_versions, next_name, promote, roll_back
from tinyllm.files import TinyLLMError, atomic_folder, write_manifest


@pytest.fixture
def aligned(tmp_path):
    """v001 (promoted), v002 (held back), v003 (promoted)."""
    folder = tmp_path / "aligned"
    for name, promoted in (("v001", True), ("v002", False), ("v003", True)):
        with atomic_folder(folder / name) as new:
            write_manifest(new, stage="aligned", promoted=promoted)
    return folder


def test_versions_are_listed_oldest_first_and_unfinished_ones_are_not(aligned):
    (aligned / ".v004.x.tmp").mkdir()
    (aligned / "v004").mkdir()
    assert [version.name for version in list_versions(aligned)] == ["v001", "v002", "v003"]
    assert [version.promoted for version in list_versions(aligned)] == [True, False, True]


def test_a_new_version_takes_the_next_number_even_past_999(aligned):
    assert next_name(aligned) == "v004"
    (aligned / "v999").mkdir()
    assert next_name(aligned) == "v1000"


def test_nothing_is_in_use_until_a_version_is_promoted(aligned):
    assert current(aligned) is None
    assert promote(aligned, "v002") == current(aligned) == aligned / "v002"


def test_rolling_back_returns_to_what_came_through_the_gate_and_then_to_chat(aligned):
    promote(aligned, "v003")
    assert roll_back(aligned) == current(aligned) == aligned / "v001"
    assert roll_back(aligned) is None
    assert current(aligned) is None
    assert roll_back(aligned) is None


def test_a_version_that_is_not_there_is_one_clear_sentence(aligned):
    with pytest.raises(TinyLLMError, match="no version v009; there are v001, v002, v003"):
        promote(aligned, "v009")
    (aligned / "current").write_text("v009\n", encoding="utf-8")
    with pytest.raises(TinyLLMError, match="names 'v009'"):
        current(aligned)
