"""The doctor tells what is there, finds faults that were planted, and disturbs nothing."""

import json
import subprocess
import sys
from collections import namedtuple
from functools import partial

import psutil
import pytest
import torch
from rich.console import Console
from training_fakes import shrink

import tinyllm.model.transformer as the_model
from tinyllm import checks, cli, devices, doctor
from tinyllm.checks import Check
from tinyllm.reference import TOLERANCES, Gaps, compare, plainly
from tinyllm.runs import Run
from tinyllm.terminal import checked
from tinyllm.training import AdamW, Muon
from tinyllm.training import cross_entropy as fast
from tinyllm.turns import training

CPU = torch.device("cpu")
STEPS = 4


@pytest.fixture(scope="module")
def plain():
    return plainly(steps=STEPS)


@pytest.fixture
def quick(monkeypatch):
    """The doctor, on a small model and for a moment."""
    shrink(monkeypatch)
    monkeypatch.setattr(doctor, "examine", partial(doctor.examine, steps=2, trial_seconds=0.01))
    return doctor.examine


def only(found, name):
    (check,) = [check for check in found if check.name == name]
    return check


def run(capsys, *arguments):
    code = cli.run_command(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_training_as_usual_is_what_the_formulas_give_in_float64(dtype, plain):
    assert compare(CPU, dtype, plain=plain).beyond(TOLERANCES[dtype]) == []


def test_float32_agrees_far_better_than_bfloat16(plain):
    wide, narrow = (compare(CPU, dtype, plain=plain) for dtype in ("float32", "bfloat16"))
    assert all(100 * vars(wide)[name] < vars(narrow)[name] for name in vars(wide))


def double_gradient(hidden, weight, targets):
    loss = fast.cross_entropy(hidden, weight, targets)
    return 2 * loss - loss.detach()  # the same number


def no_mean(self, gradients, *, scale=1.0, step, update=AdamW.update):
    update(self, gradients, scale=scale * (1 - self.betas[0] ** step), step=step)


def backwards(self, gradients, *, scale=1.0, step=1, update=Muon.update):
    update(self, gradients, scale=-scale, step=step)


def sees_the_future(q, k, v, bias=None):
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v


def not_a_number(q, k, v, bias=None):
    return v * torch.nan


def nothing_moves(self, gradients, *, scale=1.0, step):
    pass


FAULTS = {
    "twice the gradient": ("tinyllm.training.losses.cross_entropy", double_gradient, "backward"),
    "Muon climbs": ("tinyllm.training.muon.Muon.update", backwards, "training"),
    "no bias correction": (
        "tinyllm.training.optimizers.AdamW.update",
        no_mean,
        "training",
    ),
    "the future is seen": ("tinyllm.model.transformer.attention", sees_the_future, "forward"),
    "NaN": ("tinyllm.model.transformer.attention", not_a_number, "forward backward training"),
    "weights that do not move": (
        "tinyllm.training.optimizers.AdamW.update",
        nothing_moves,
        "training",
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_where_it_is(fault, dtype, plain, monkeypatch):
    place, planted, where = FAULTS[fault]
    monkeypatch.setattr(place, planted)
    beyond = compare(CPU, dtype, plain=plain).beyond(TOLERANCES[dtype])
    assert set(where.split()) <= set(beyond)
    assert ("forward" in beyond) == ("forward" in where)


def test_a_norm_that_is_off_by_a_thousandth_is_found_in_float32(plain, monkeypatch):
    true = the_model.rms_norm
    monkeypatch.setattr(the_model, "rms_norm", lambda x, gain, eps: 1.001 * true(x, gain, eps))
    assert "forward" in compare(CPU, "float32", plain=plain).beyond(TOLERANCES["float32"])


def test_a_gap_that_is_no_number_is_beyond_everything():
    gaps = Gaps(forward=float("nan"), backward=0.0, training=float("inf"))
    assert gaps.beyond(TOLERANCES["bfloat16"]) == ["forward", "training"]


def test_a_device_that_computes_wrongly_is_named_with_what_is_off(plain, monkeypatch):
    monkeypatch.setattr("tinyllm.training.losses.cross_entropy", double_gradient)
    check = doctor._compared(CPU, "float32", plain)
    assert (check.name, check.state) == ("cpu float32", "wrong")
    assert check.value.startswith("differs from float64: gradients by 1e+00 ")
    assert "logits" not in check.value
    assert "update PyTorch" in check.advice


def test_a_device_that_fails_is_a_finding(plain):
    check = doctor._compared(torch.device("meta"), "float32", plain)
    assert check.state == "wrong"
    assert check.value.startswith("fails: ")


def test_an_accelerator_that_was_passed_over_is_wrong_and_the_cpu_is_examined(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    wrong = {"cpu": torch.ones(1), "mps": torch.zeros(1)}
    monkeypatch.setattr(devices, "_compute", lambda device: (wrong[device.type],))
    first, *others = doctor.arithmetic(steps=1)
    assert (first.name, first.state) == ("mps", "wrong")
    assert [(check.name, check.state) for check in others] == [
        ("device", "good"),
        ("cpu float32", "good"),
        ("cpu bfloat16", "good"),
    ]


def test_what_to_expect_is_computed_from_the_pace(monkeypatch):
    def time_steps(*_, choices, **__):
        return {choice: 0.1 if choice[0] == "float32" else 0.05 for choice in choices}

    monkeypatch.setattr("tinyllm.training.timing.time_steps", time_steps)
    found = list(doctor.expectation(trial_seconds=0.01))
    assert "2.00 times the pace of float32" in only(found, "bfloat16").value
    minutes = only(found, "5 minutes")
    assert "5.8 million tokens" in minutes.value  # 150 s * 0.94 / 0.05 s * 2,048
    assert "1,466 steps" in minutes.value
    assert minutes.state == "good"


def test_a_slow_machine_is_told_how_many_minutes_it_needs(monkeypatch):
    def time_steps(*_, choices, **__):
        return dict.fromkeys(choices, 0.2)

    monkeypatch.setattr("tinyllm.training.timing.time_steps", time_steps)
    minutes = list(doctor.expectation(trial_seconds=0.01))[-1]
    assert minutes.state == "note"
    assert "367 steps" in minutes.value  # 78 s * 0.94 / 0.2 s
    assert "--minutes 14" in minutes.advice  # 5 * 1000 / 366.6 = 13.6


def test_an_error_inside_a_check_is_a_finding_and_the_others_go_on(quick, monkeypatch):
    def broken():
        raise OSError("the library does not load.\nlong story")

    monkeypatch.setattr(checks, "cores", broken)
    monkeypatch.setattr(checks, "memory", broken)
    found = list(quick())
    assert only(found, "cores").value == "the library does not load"
    assert "memory" not in {check.name for check in found}  # told once
    assert found[-1].name == "5 minutes"


def test_everything_good_is_one_sentence_and_everything_wrong_another():
    good = Check(name="cores", value="2")
    note = Check(name="browser", value="none", state="note", advice="look elsewhere")
    wrong = Check(name="disk", value="9 MB free", state="wrong", advice="free some space")
    assert doctor.conclude([good, note]) == "Nothing is wrong here."
    other = Check(name="memory", value="1 GB", state="wrong", advice="find more")
    assert doctor.conclude([good, wrong, note, other, wrong]) == (
        "Wrong here: disk (9 MB free), disk (9 MB free): free some space; memory (1 GB): find more."
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("torch>=99", "torch is "),
        ("no-such-library>=1", "no-such-library is missing"),
        ('no-such-library; python_version >= "3"', "no-such-library is missing"),
    ],
)
def test_a_library_that_is_missing_or_too_old_is_wrong(line, said, monkeypatch):
    monkeypatch.setattr(checks.metadata, "requires", lambda name: [line, "numpy>=1"])
    (check,) = checks.packages()
    assert check.state == "wrong"
    assert check.value.startswith(said)
    assert "numpy" not in check.value


def test_without_the_lessons_or_the_apps_it_is_a_note(monkeypatch):
    lines = ['absent>=1; extra == "lab"', 'unwanted>=1; extra == "audio"']
    monkeypatch.setattr(checks.metadata, "requires", lambda name: lines)
    (check,) = checks.packages()
    assert (check.state, check.value) == ("note", "absent is missing")


@pytest.mark.parametrize(
    ("total", "available", "state"),
    [(8e9, 5e9, "good"), (8e9, 1.8e9, "note"), (8e9, 0.5e9, "note"), (1.5e9, 1.5e9, "wrong")],
)
def test_memory_is_held_against_what_a_training_takes(total, available, state, monkeypatch):
    memory = namedtuple("memory", "total available")(total, available)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(checks, "_memory_limit", lambda: float("inf"))
    (check,) = checks.memory()
    assert check.state == state
    monkeypatch.setattr(checks, "_memory_limit", lambda: 1e9)
    (check,) = checks.memory()
    assert (check.state, check.value) == (
        "wrong",
        f"1.0 GB, of which {checks._size(min(available, 1e9))} free",
    )


@pytest.mark.parametrize(("text", "limit"), [("max\n", float("inf")), ("1000000\n", 1e6)])
def test_the_limit_of_a_container_is_read(text, limit, tmp_path):
    (tmp_path / "memory.max").write_text(text, encoding="ascii")
    assert checks._memory_limit(tmp_path / "memory.max") == limit
    assert checks._memory_limit(tmp_path / "absent") == float("inf")


@pytest.mark.parametrize(("free", "state"), [(9e9, "good"), (0.5e9, "note"), (1e6, "wrong")])
def test_the_disk_is_held_against_what_a_run_takes(free, state, monkeypatch):
    usage = namedtuple("usage", "free")(free)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda folder: usage)
    assert only(checks.home(), "disk").state == state


def test_a_home_on_another_machine_is_noted(monkeypatch, tmp_path):
    part = namedtuple("part", "mountpoint fstype opts")
    parts = [part(tmp_path.anchor, "ext4", "rw"), part(str(tmp_path), "nfs4", "rw")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    check = only(checks.home(), "home")
    assert (check.state, "(nfs4)" in check.value) == ("note", True)
    parts.reverse()
    parts[0] = part(str(tmp_path), "apfs", "rw")
    assert only(checks.home(), "home").state == "good"


def test_a_training_that_runs_now_is_noted_and_goes_on():
    assert [check.state for check in checks.training()] == ["good"]
    with training(Run.named("mine")):
        (check,) = checks.training()
        assert (check.state, check.value) == ("note", "mine trains now")
        (again,) = checks.training()
        assert again == check


def test_a_port_that_is_taken_is_noted(monkeypatch):
    monkeypatch.setattr("tinyllm.serving.is_free", lambda port: port != 8888)
    (check,) = checks.pages()
    assert (check.state, check.value) == ("note", "8888 in use by another program")


def test_the_report_of_a_sound_machine_ends_with_code_0_and_makes_no_run(quick, capsys, tmp_path):
    code, out, err = run(capsys, "doctor")
    assert (code, err) == (0, "")
    assert out.rstrip().endswith("Nothing is wrong here.")
    assert list((tmp_path / "home").iterdir()) == []


def test_with_json_standard_output_is_one_object(quick, capsys):
    code, out, err = run(capsys, "doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report.keys() == {"checks", "ok", "sentence"}
    assert (report["ok"], report["sentence"]) == (True, "Nothing is wrong here.")
    assert all(check.keys() == {"name", "value", "state", "advice"} for check in report["checks"])
    assert all(bool(check["advice"]) == (check["state"] != "good") for check in report["checks"])
    names = [check["name"] for check in report["checks"]]
    assert names[0] == "system"
    assert {"memory", "disk", "device", "cpu float32", "cpu bfloat16", "5 minutes"} <= set(names)
    assert "cpu bfloat16" in err


def test_a_line_keeps_its_columns_however_narrow_the_terminal(capsys):
    console = Console(width=40, color_system=None)
    console.print(checked("disk", "9 MB free", "wrong", "free some space, or set TINYLLM_HOME"))
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "wrong  disk           9 MB free",
        "                      Free some space,",
        "                      or set",
        "                      TINYLLM_HOME.",
    ]


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"]], ids=" ".join)
def test_a_home_that_cannot_be_written_ends_with_code_1_and_a_sentence(
    arguments, quick, capsys, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "file" / "home"))
    code, out, err = run(capsys, *arguments)
    last = err.splitlines()[-1]
    assert code == 1
    assert last.startswith("tinyllm: Wrong here: home (The home folder ")
    assert "Set TINYLLM_HOME" in last
    if "--json" in arguments:
        report = json.loads(out)
        assert report["ok"] is False
        assert last == f"tinyllm: {report['sentence']}"
        assert [check["state"] for check in report["checks"]].count("wrong") == 1
    else:
        assert err.splitlines() == [last]


def test_the_checks_are_there_where_pytorch_does_not_load():
    code = """
import sys
sys.modules["torch"] = None
from tinyllm.doctor import examine
found = {check.name: check for check in examine()}
wrong = [check for check in found.values() if check.state == "wrong"]
assert {"system", "packages", "cores", "memory", "disk"} <= found.keys(), found
assert len(wrong) == 1, wrong
print(wrong[0].value)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "torch" in done.stdout
