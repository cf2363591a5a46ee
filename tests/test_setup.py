"""The set-up sees what is stale, repairs it, and never makes things worse."""

import json
import subprocess
from pathlib import Path

import environment
import machine
import make
import pytest
from environment import Environment
from machine import SetupError


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"system": "Linux", "machine": "x86_64", "python": (3, 10)}, "3.11 to 3.14"),
        ({"system": "Linux", "machine": "x86_64", "python": (3, 15)}, "3.11 to 3.14"),
        ({"system": "Darwin", "machine": "x86_64", "python": (3, 12)}, "Intel"),
        ({"system": "Windows", "machine": "ARM64", "python": (3, 12)}, "Windows on ARM"),
        ({"system": "Windows", "machine": "x86", "python": (3, 12), "bits": 32}, "32-bit"),
        ({"system": "Linux", "machine": "x86_64", "python": (3, 12), "musl": True}, "musl"),
    ],
)
def test_where_pytorch_has_no_build_a_sentence_says_so(facts, word):
    assert word in machine.refusal(**facts)


@pytest.mark.parametrize(
    ("system", "processor"),
    [
        ("Linux", "x86_64"),
        ("Linux", "aarch64"),
        ("Darwin", "arm64"),
        ("Windows", "AMD64"),
    ],
)
@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_the_machines_with_a_build_are_taken(system, processor, minor):
    assert machine.refusal(system=system, machine=processor, python=(3, minor)) is None


PYPROJECT = """
[project]
name = "tinyllm"
dependencies = ["torch"]
[tool.ruff]
line-length = 100
"""


class Recorded(Environment):
    """An environment whose installer is replaced by a list of what it was asked to install."""

    def __init__(self, root):
        super().__init__(root)
        self.report = {"python": [3, 11], "packages": {}, "damaged": []}
        self.asked = []
        self.fails = 0
        self.created = 0

    def inspect(self):
        return self.report if self.folder.is_dir() else None

    def create(self):
        self.folder.mkdir()
        self.created += 1

    def pip(self, *arguments, quiet=True):
        self.asked.append(arguments[-1])
        if self.fails:
            self.fails -= 1
            raise subprocess.CalledProcessError(1, "pip")
        self.report["damaged"] = []
        if arguments[-1].startswith("torch=="):
            self.report["packages"] |= {"torch": "2.13.0+cpu", "rich": "15.0.0"}

    def install_cpu_torch(self, torch, *, again):
        return False


@pytest.fixture
def clone(tmp_path, monkeypatch):
    root = tmp_path / "clone"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "constraints.txt").write_text("torch==2.13.0\nrich==15.0.0\n")
    monkeypatch.setattr(environment, "refuse_what_cannot_work", lambda: None)
    return Recorded(root)


def test_a_second_set_up_installs_nothing(clone):
    clone.prepare(["lab"])
    assert clone.asked[-1].endswith("clone[lab]")
    clone.asked.clear()
    clone.prepare(["lab"])
    assert clone.asked == []


def test_torch_comes_first_and_only_where_it_is_missing(clone):
    clone.prepare(["lab"])
    assert clone.asked == ["hatchling", "torch==2.13.0", f"{clone.root}[lab]"]
    clone.asked.clear()
    clone.prepare(["apps"])
    assert clone.asked == ["hatchling", f"{clone.root}[apps,lab]"]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("constraints.txt", "rich==15.0.0", "rich==15.0.1"),
        ("pyproject.toml", '["torch"]', '["torch", "ftfy"]'),
    ],
)
def test_changed_dependencies_are_installed(clone, name, before, after):
    clone.prepare(["lab"])
    file = clone.root / name
    file.write_text(file.read_text().replace(before, after))
    assert "changed" in clone.complaint({"lab"})
    clone.prepare(["lab"])
    assert clone.complaint({"lab"}) is None


def test_a_changed_linter_setting_installs_nothing(clone):
    clone.prepare(["lab"])
    (clone.root / "pyproject.toml").write_text(PYPROJECT.replace("100", "88"))
    assert clone.complaint({"lab"}) is None


def test_a_damaged_package_is_put_back(clone):
    clone.prepare(["lab"])
    clone.report["damaged"] = ["rich"]
    assert "rich" in clone.complaint({"lab"})
    clone.asked.clear()
    clone.prepare(["lab"])
    assert clone.asked == ["rich", "hatchling", f"{clone.root}[lab]"]
    assert clone.created == 1


def test_a_missing_package_and_another_version_are_seen(clone):
    clone.prepare(["lab"])
    del clone.report["packages"]["rich"]
    assert "rich" in clone.complaint({"lab"})
    clone.report["packages"]["rich"] = "14.0.0"
    assert "rich" in clone.complaint({"lab"})


def test_an_interrupted_installation_is_finished(clone):
    clone.folder.mkdir()
    clone.write_stamp({"audio"})
    assert "no finished installation" in clone.complaint({"lab"})
    clone.prepare(["lab"])
    assert clone.asked[-1].endswith("[audio,lab]")
    assert clone.created == 0


def test_what_cannot_be_repaired_is_built_anew(clone):
    clone.prepare(["lab"])
    (clone.folder / "leftover").touch()
    clone.report["damaged"] = ["rich"]
    clone.fails = 1
    clone.prepare(["lab"])
    assert clone.created == 2
    assert not (clone.folder / "leftover").exists()
    assert not (clone.root / ".venv-before").exists()


def test_where_nothing_can_be_installed_the_former_environment_stays(clone):
    clone.prepare(["lab", "audio"])
    (clone.folder / "kept").touch()
    (clone.root / "constraints.txt").write_text("torch==2.13.0\nrich==15.0.1\n")
    clone.fails = 2
    with pytest.raises(SetupError, match="run the same command again"):
        clone.prepare(["lab"])
    assert (clone.folder / "kept").exists()
    clone.prepare(["lab"])
    assert json.loads(clone.stamp.read_text())["extras"] == ["audio", "lab"]


def test_a_moved_clone_gets_a_new_environment(clone, tmp_path):
    clone.prepare(["lab"])
    moved = Recorded(clone.root.rename(tmp_path / "elsewhere"))
    moved.report = clone.report
    assert moved.complaint({"lab"}) == "the clone was moved"
    moved.prepare(["lab"])
    assert moved.created == 1


def test_cleaning_takes_caches_and_spares_the_home(monkeypatch, tmp_path):
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "my-home"))
    for folder in (".venv", "build", "tinyllm/__pycache__", "my-home/runs/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
    assert make.clean(set(), []) == 0
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"tinyllm", "my-home", "my-home/runs", "my-home/runs/__pycache__"}


def test_cleaning_follows_no_link_out_of_the_clone(monkeypatch, tmp_path):
    root, outside = tmp_path / "clone", tmp_path / "outside"
    root.mkdir()
    (outside / "__pycache__").mkdir(parents=True)
    try:
        (root / ".venv").symlink_to(outside, target_is_directory=True)
    except OSError:
        pytest.skip("this account may not make links")
    monkeypatch.setattr(make, "ROOT", root)
    make.clean(set(), [])
    assert not (root / ".venv").exists()
    assert (outside / "__pycache__").exists()


def test_an_unknown_command_is_wrong_usage(capsys):
    assert make.main(["dance"]) == 2
    assert "start | test" in capsys.readouterr().err


def test_an_unknown_extra_fails_with_the_known_ones(capsys):
    assert make.main(["clean", "--extras", "video"]) == 1
    assert "audio" in capsys.readouterr().err


def test_make_hands_every_command_to_the_tool():
    text = (Path(make.__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("COMMANDS :=")]
    assert line.split()[2:] == list(make.COMMANDS)
