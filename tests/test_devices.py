"""An accelerator is used when it is there and agrees with the CPU."""

import ctypes
import sys

import pytest
import torch

from tinyllm import devices


def pretend(monkeypatch, *, cuda=False, mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_without_an_accelerator_the_cpu_is_chosen(monkeypatch):
    pretend(monkeypatch)
    assert devices.choose_device() == torch.device("cpu")
    assert [finding.usable for finding in devices.survey_devices()] == [False, False, True]


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(1, 0, "cuda"), (0, 1, "mps"), (1, 1, "cuda")])
def test_an_accelerator_that_agrees_is_preferred(cuda, mps, chosen, monkeypatch):
    pretend(monkeypatch, cuda=bool(cuda), mps=bool(mps))
    monkeypatch.setattr(devices, "_compute", lambda device: (torch.ones(3),))
    assert devices.choose_device().type == chosen


@pytest.mark.parametrize("wrong", [1.01, float("nan")])
def test_an_accelerator_that_disagrees_is_passed_over_and_told(wrong, monkeypatch):
    pretend(monkeypatch, mps=True)
    results = {"cpu": torch.ones(3), "mps": torch.full((3,), wrong)}
    monkeypatch.setattr(devices, "_compute", lambda device: (results[device.type],))
    assert devices.choose_device().type == "cpu"
    assert "differs from the CPU by" in devices.survey_devices()[1].reason


def test_an_accelerator_that_fails_is_passed_over_and_told(monkeypatch):
    def fail(device):
        if device.type == "cuda":
            raise RuntimeError("no kernel image\nlong story")
        return (torch.ones(1),)

    pretend(monkeypatch, cuda=True)
    monkeypatch.setattr(devices, "_compute", fail)
    finding = devices.survey_devices()[0]
    assert (finding.usable, finding.reason) == (
        False,
        "fails at a small computation (no kernel image)",
    )
    assert devices.choose_device().type == "cpu"


def test_the_small_computation_is_sound_on_the_cpu():
    first, second = devices._compute(torch.device("cpu")), devices._compute(torch.device("cpu"))
    assert all(torch.equal(a, b) and a.isfinite().all() for a, b in zip(first, second, strict=True))
    assert all(tensor.abs().sum() > 0 for tensor in first)


def test_keeping_freed_memory_works_with_glibc_and_does_no_harm_without(monkeypatch):
    assert devices.keep_freed_memory() in ((True,) if sys.platform == "linux" else (True, False))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert devices.keep_freed_memory() is False
