"""A stage in a thread can be paused and stopped, and its errors are not lost."""

import itertools
import time

import pytest

from tinyllm.background import Background
from tinyllm.events import Notice


def endless(closed):
    try:
        for number in itertools.count():
            yield Notice(stage="base", text=str(number))
            time.sleep(0.001)
    finally:
        closed.append(True)


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "waited five seconds in vain"
        time.sleep(0.005)


def test_a_stopped_stage_is_closed_so_that_it_can_save():
    closed = []
    work = Background(lambda: endless(closed)).start()
    wait_for(lambda: len(work.events) > 3)
    work.stop()
    work.join(5)
    assert closed == [True]
    assert not work.running


def test_a_paused_stage_says_nothing_until_it_goes_on():
    work = Background(lambda: endless([])).start()
    wait_for(lambda: work.events)
    work.pause()
    time.sleep(0.05)
    said = len(work.events)
    time.sleep(0.05)
    assert len(work.events) == said
    assert work.paused
    work.resume()
    wait_for(lambda: len(work.events) > said)
    work.stop()
    work.join(5)


def test_a_paused_stage_can_be_stopped():
    work = Background(lambda: endless([])).start()
    work.pause()
    work.stop()
    work.join(5)
    assert not work.running


def test_an_error_of_the_stage_is_raised_where_somebody_waits():
    def failing():
        yield Notice(stage="base", text="begins")
        raise ValueError("the disk is full")

    work = Background(failing).start()
    with pytest.raises(ValueError, match="the disk is full"):
        work.join(5)
    assert len(work.events) == 1
