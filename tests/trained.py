"""Two homes that several test files share: one with a whole small run, one for the notebooks.

Each is made once a session, with budgets of seconds: enough for every path to be walked, not for
a model that is any good.
"""

import os
import shutil

import pytest

SECONDS = float(os.environ.get("TINYLLM_TEST_SECONDS", "25"))


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory):
    """A home whose run `default` has been through the whole line."""
    from tinyllm.line import Settings, train_line
    from tinyllm.runs import Run

    home = tmp_path_factory.mktemp("trained") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYLLM_HOME", str(home))
        for _ in train_line(Run.named(), Settings(minutes=SECONDS / 60)):
            pass
    return home


@pytest.fixture(scope="session")
def course_home(trained_home, tmp_path_factory):
    """A copy of the trained home, in which the notebooks make their run `mine`."""
    home = tmp_path_factory.mktemp("course") / "home"
    shutil.copytree(trained_home, home)
    return home
