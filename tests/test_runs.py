"""Runs: where things lie, what is done, whose turn it is."""

import subprocess
import sys
import textwrap

import pytest

from tinyllm.events import Notice, Page, Sample, Step
from tinyllm.files import (
    TinyLLMError,
    UsageError,
    VersionError,
    atomic_write,
    write_manifest,
)
from tinyllm.line import Settings, make, train_line
from tinyllm.runs import COMPARISONS, Run, all_runs, find, home, pace
from tinyllm.turns import ahead_of, is_training, take_turns, training


@pytest.fixture
def tmp_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def finish(run, stage):
    folder = run.folder(stage)
    if stage == "aligned":
        atomic_write(folder / "current", "v001\n")
        folder = folder / "v001"
    folder.mkdir(parents=True)
    write_manifest(folder, stage=stage)


def test_the_home_is_made_where_the_variable_says(tmp_home):
    assert home() == tmp_home
    assert tmp_home.is_dir()


def test_a_home_that_is_a_file_is_refused_with_a_sentence(tmp_home):
    tmp_home.write_text("in the way")
    with pytest.raises(TinyLLMError, match="cannot be written"):
        home()


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 65, "a b"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_home, name):
    with pytest.raises(UsageError, match="name is letters"):
        Run.named(name)


@pytest.mark.parametrize("value", ["fast", "0", "-1", "nan"])
def test_a_pace_that_is_no_positive_number_is_refused(monkeypatch, value):
    monkeypatch.setenv("TINYLLM_PACE", value)
    with pytest.raises(UsageError, match="TINYLLM_PACE"):
        pace()


def test_a_stage_is_done_when_its_manifest_is_whole(tmp_home):
    run = Run.named("default")
    assert run.stages_done() == []
    finish(run, "base")
    assert run.stages_done() == ["base"]
    (run.base / "manifest.json").write_text("{")
    assert run.stages_done() == []


def test_the_furthest_model_is_the_one_asked_for_by_default(tmp_home):
    run = Run.named("default")
    with pytest.raises(TinyLLMError, match="holds no model yet"):
        run.model()
    for stage in ("base", "chat", "aligned"):
        finish(run, stage)
    assert run.model() == run.aligned / "v001"
    assert run.model("chat") == run.chat


def test_what_mine_lacks_is_found_in_default(tmp_home):
    finish(Run.named("default"), "base")
    assert find(Run.named("mine"), "base").name == "default"
    finish(Run.named("mine"), "base")
    assert find(Run.named("mine"), "base").name == "mine"
    assert find(Run.named("mine"), "chat") is None


def test_forgetting_a_stage_forgets_what_was_made_from_it(tmp_home):
    run = Run.named("mine")
    for stage in ("corpus", "base", "chat", "aligned"):
        finish(run, stage)
    run.forget("base")
    assert run.stages_done() == ["corpus"]


def test_a_stage_of_another_version_is_neither_used_nor_replaced(tmp_home):
    run = Run.named("mine")
    finish(run, "corpus")
    write_manifest(run.chat, stage="chat", format=99)
    with pytest.raises(VersionError, match="another version"):
        run.model("chat")
    write_manifest(run.tokenizer, stage="tokenizer", format=99)
    for making in (train_line(run, Settings()), make(run, "tokenizer")):
        with pytest.raises(VersionError, match="another version"):
            list(making)


@pytest.mark.parametrize("content", ["{", "[]", '{"settings": {"pace": 1}}'])
def test_settings_that_cannot_be_read_are_a_clear_sentence(tmp_home, content):
    run = Run.named("mine")
    atomic_write(run.settings_path, content)
    with pytest.raises(TinyLLMError, match="--restart"):
        Settings().resolved(run)


def test_an_event_that_cannot_be_recorded_ends_the_training_with_a_sentence(tmp_home):
    run = Run.named("mine")
    atomic_write(run.root / "metrics", "a file where a folder should be")
    with pytest.raises(TinyLLMError, match=r"Could not write .*base\.jsonl"):
        run.record(Notice(stage="base", text="one"))


def test_recorded_events_come_back_and_half_a_line_is_left_out(tmp_home):
    run = Run.named("mine")
    first = Notice(stage="base", text="one")
    run.record(first)
    with (run.root / "metrics" / "base.jsonl").open("a") as file:
        file.write('{"event": "Noti')
    assert run.events("base") == [first]


def page(step, prompt="The sky", stage="base", completion=" is"):
    return Page(
        stage=stage,
        step=step,
        prompt=prompt,
        completion=completion,
        tokens=step * 8,
        next=((" is", 0.5),),
        entropy=1.0,
    )


def test_pages_are_recorded_in_the_album_too_and_samples_are_not(tmp_home):
    run = Run.named("mine")
    assert run.album() == []
    run.record(Sample(stage="base", step=1, prompt="", completion="a hen"))
    run.record(page(2))
    assert run.album() == [page(2)]
    assert len(run.events("base")) == 2
    assert len(run.album_path.read_text(encoding="utf-8").splitlines()) == 1


def test_a_page_that_a_resumed_run_takes_again_is_in_the_album_once_as_it_is_now(tmp_home):
    run = Run.named("mine")
    for each in (page(1), page(1, prompt=""), page(9), page(1, prompt="", completion="new")):
        run.record(each)
    assert run.album() == [page(1), page(1, prompt="", completion="new"), page(9)]


def test_the_album_is_in_the_order_of_stages_and_steps_whatever_the_order_of_its_lines(tmp_home):
    run = Run.named("mine")
    for each in (page(9, stage="chat"), page(40), page(3)):
        run.record(each)
    assert [(p.stage, p.step) for p in run.album()] == [("base", 3), ("base", 40), ("chat", 9)]


def test_half_a_page_is_left_out(tmp_home):
    run = Run.named("mine")
    run.record(page(1))
    with run.album_path.open("a", encoding="utf-8") as file:
        file.write('{"event": "Page", "stage": "base", "st')
    assert run.album() == [page(1)]


def test_pages_of_a_forgotten_stage_are_gone_and_those_of_earlier_stages_stay(tmp_home):
    run = Run.named("mine")
    for each in (page(1), page(1, stage="chat")):
        run.record(each)
    run.forget("chat")
    assert run.album() == [page(1)]
    run.forget("base")
    assert not run.album_path.exists()


def test_a_second_training_of_a_run_is_refused_and_names_the_first(tmp_home):
    run = Run.named("default")
    with training(run):
        assert is_training(run)
        with pytest.raises(TinyLLMError, match="Run default is training already"), training(run):
            pass
    assert not is_training(run)


def test_a_killed_training_leaves_no_lock_behind(tmp_home):
    code = """
        import os, signal
        from tinyllm.runs import Run
        from tinyllm.turns import training
        with training(Run.named("default")):
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode != 0
    run = Run.named("default")
    assert not is_training(run)
    with training(run):
        assert is_training(run)


def test_the_run_that_began_later_goes_first(tmp_home):
    default, mine = Run.named("default"), Run.named("mine")
    with training(default):
        assert ahead_of(default) is None
        with training(mine):
            assert ahead_of(default).name == "mine"
            assert ahead_of(mine) is None
        assert ahead_of(default) is None
    assert {run.name for run in all_runs()} == {"default", "mine"}


def test_a_comparison_takes_turns_with_the_runs(tmp_home):
    default, comparison = Run.named("default"), Run(home() / COMPARISONS / "tenth")
    with training(default), training(comparison):
        assert ahead_of(default).name == "tenth"
        assert ahead_of(comparison) is None
    assert {run.name for run in all_runs()} == {"default"}


def test_taking_turns_passes_every_event_on_and_closes_the_stage(tmp_home):
    closed = []

    def stage():
        try:
            for step in range(1, 4):
                yield Step(
                    stage="base",
                    step=step,
                    steps=3,
                    loss=1.0,
                    tokens=1,
                    seconds=1.0,
                    eta_seconds=0.0,
                    learning_rate=0.1,
                )
        finally:
            closed.append(True)

    run = Run.named("mine")
    with training(run):
        stream = take_turns(run, stage(), stage="base")
        assert [next(stream).step, next(stream).step] == [1, 2]
        stream.close()
    assert closed == [True]
