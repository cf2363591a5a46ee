"""The project keeps its own promises: directions, versions, what a wheel carries."""

import ast
import inspect
import json
import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import machine
import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import tinyllm

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
DECLARED = [
    Requirement(line)
    for lines in [PROJECT["project"]["dependencies"], *EXTRAS.values()]
    for line in lines
    if not line.startswith("tinyllm[")
]
FOLDERS = ("tinyllm", "apps", "notebooks", "lessons", "tests", "tools", "bench", ".ci")
FILES = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".gitignore"] + [
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
]
SOURCES = [path for path in FILES if path.suffix == ".py"]

# A room imports only from rooms of a lower number; what stands here nowhere is above them all.
LEVELS = {
    "events": 0,
    "files": 0,
    "devices": 0,
    "village": 1,
    "corpus": 2,
    "tokens": 3,
    "model": 4,
    "training": 5,
    "evaluation": 5,
    "figures": 5,
    "alignment": 6,
}
ABOVE = 7


def constraints():
    """The versions of constraints.txt by name: one, or several with a marker each."""
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line)
            pinned.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return pinned


def imported_rooms(source):
    """The modules and rooms of tinyllm that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "tinyllm":
            names = [f"tinyllm.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} imports relatively"
            names = [node.module]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "tinyllm" and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize("room", LEVELS)
def test_a_room_imports_only_from_rooms_below_it(room):
    place = ROOT / "tinyllm" / room
    sources = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert sources
    for source in sources:
        for used in imported_rooms(source):
            assert used == room or LEVELS.get(used, ABOVE) < LEVELS[room], (
                f"{source.relative_to(ROOT)} imports tinyllm.{used}, which is not below it"
            )


def test_figures_know_events_and_plain_data_only():
    sources = (ROOT / "tinyllm" / "figures").rglob("*.py")
    assert {room for source in sources for room in imported_rooms(source)} <= {
        "figures",
        "events",
        "files",
    }


def test_nothing_imports_the_command_line():
    sources = {*(ROOT / "tinyllm").rglob("*.py"), *(ROOT / "apps").rglob("*.py")}
    for source in sources - {ROOT / "tinyllm" / "__main__.py"}:
        assert "cli" not in set(imported_rooms(source)), source


def test_importing_all_of_tinyllm_loads_no_front_end():
    code = """
import importlib, pkgutil, sys, tinyllm
for module in pkgutil.walk_packages(tinyllm.__path__, "tinyllm."):
    if not module.name.startswith("tinyllm.course."):
        importlib.import_module(module.name)
roots = {name.split(".")[0] for name in sys.modules}
print(*sorted(n for n in roots if n in {"gradio", "IPython", "apps"} or n.startswith("jupyter")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_importing_tinyllm_does_not_import_torch():
    code = "import sys, tinyllm; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_public_surface_is_load_and_the_version():
    assert sorted(tinyllm.__all__) == ["__version__", "load"]
    assert tinyllm.__version__ == PROJECT["project"]["version"]


@pytest.mark.parametrize("room", ["village", "corpus", "tokens", "model", "training", "alignment"])
def test_what_a_room_offers_is_there_and_explains_itself(room):
    module = __import__(f"tinyllm.{room}", fromlist=["__all__"])
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert thing.__doc__, f"tinyllm.{room}.{name} has no docstring"


def test_every_declared_dependency_is_pinned_inside_its_range():
    pinned = constraints()
    for requirement in DECLARED:
        lines = pinned.get(canonicalize_name(requirement.name), [])
        assert lines, f"constraints.txt lacks {requirement.name}"
        for line in lines:
            (exact,) = line.specifier
            assert exact.operator == "=="
            assert requirement.specifier.contains(exact.version), f"{line} against {requirement}"


def test_everything_that_the_dependencies_bring_is_pinned_too():
    pinned, seen, waiting = constraints(), set(), [(r.name, tuple(r.extras)) for r in DECLARED]
    while waiting:
        name, extras = waiting.pop()
        name = canonicalize_name(name)
        if (name, extras) in seen or re.match(r"(nvidia|cuda)-|triton", name):
            continue
        seen.add((name, extras))
        assert name in pinned, f"constraints.txt lacks {name}"
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # an extra that is not installed here, such as audio
            continue
        for requirement in map(Requirement, lines):
            environments = [{**default_environment(), "extra": extra} for extra in (*extras, "")]
            marker = requirement.marker
            if marker is None or any(marker.evaluate(values) for values in environments):
                waiting.append((requirement.name, tuple(requirement.extras)))


def test_the_pinned_torch_carries_no_local_version():
    assert [str(line) for line in constraints()["torch"]] == ["torch==2.13.0"]


def test_conda_installs_the_same_as_make_start():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, (_, packages) = (
        *environment["dependencies"][:2],
        next(iter(environment["dependencies"][2].items())),
    )
    assert (environment["channels"][0], pip) == ("conda-forge", "pip")
    assert packages == ["--constraint constraints.txt", "--editable .[apps,lab]"]
    oldest, newest = machine.OLDEST, machine.NEWEST
    range_ = SpecifierSet(python.removeprefix("python"))
    assert range_ == SpecifierSet(f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}")
    assert PROJECT["project"]["requires-python"] == f">={oldest[0]}.{oldest[1]}"


def test_the_extra_all_is_every_other_extra():
    (everything,) = EXTRAS["all"]
    assert Requirement(everything).extras == set(EXTRAS) - {"all"}


def test_what_is_under_the_gpl_comes_only_when_asked_for():
    by_default = PROJECT["project"]["dependencies"] + EXTRAS["apps"] + EXTRAS["lab"]
    assert not [line for line in by_default + EXTRAS["test"] if "piper" in line]


def test_a_wheel_carries_the_course_and_the_models_and_no_tests(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("apps", "notebooks", "lessons"):
        for path in FILES:
            if path.is_relative_to(ROOT / folder):
                assert f"tinyllm/course/{path.relative_to(ROOT).as_posix()}" in names
    assert "tinyllm/py.typed" in names
    for path in (ROOT / "tinyllm" / "village" / "plots").glob("*.toml"):
        assert path.relative_to(ROOT).as_posix() in names
    for stage in ("base", "chat"):
        assert f"tinyllm/grown-up/{stage}/model.safetensors" in names
    assert not [name for name in names if re.search(r"(^|/)(tests|tools|__pycache__)/", name)]
    assert {name.split("/")[0] for name in names} == {"tinyllm", f"{wheel.stem[:13]}.dist-info"}


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=str)
def test_notebooks_carry_no_outputs(notebook):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert "widgets" not in content["metadata"]
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_nothing_names_the_host_of_a_package_registry():
    hosts = [
        ".".join(parts)
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("download", "pytorch", "org"),
            ("deb", "debian", "org"),
            ("conda", "anaconda", "org"),
        )
    ]
    for path in FILES:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [host for host in hosts if host in text], path


def test_no_source_file_is_longer_than_350_lines():
    long = {
        str(path.relative_to(ROOT)): count
        for path in SOURCES
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert long == {}


def test_the_readme_gives_windows_its_two_lines():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("start", "test"):
        assert f"make {command}" in text
        assert f"py tools/make.py {command}" in text


def test_the_page_of_the_village_is_what_it_writes() -> None:
    page = runpy.run_path(str(ROOT / "bench" / "village_page.py"))["page"]()
    assert (ROOT / "VILLAGE.md").read_text(encoding="utf-8") == page
