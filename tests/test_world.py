"""Batches in pieces, and processes that share a batch: the numbers are those of the whole."""

import json
import os
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch

from tinyllm.files import TinyLLMError
from tinyllm.model import ModelConfig, Transformer
from tinyllm.training import (
    Batch,
    Schedule,
    next_token_loss,
    optimizer_for,
    packed_batches,
    train,
)
from tinyllm.training.world import Gradients, World, parts_of

ROOT = Path(__file__).resolve().parent.parent
STEPS = 40
TRAINING = """
import json
import torch
from tests.test_world import losses
from tinyllm.training.world import World
torch.set_num_threads(1)
world = World.joined()
said = world.agree({"rank": world.rank, "text": "grüß Gott"})
print(json.dumps({"rank": world.rank, "said": said, "losses": losses(world=world)}))
"""


def a_page(number):
    """Some sentences about a hen, different on every page."""
    where = ("barn", "mill", "brook", "hill", "shop", "lane", "school")
    return " ".join(
        f"Hen {number * k % 97} walked from the {where[k % 7]} to the {where[number * k % 7]}, "
        f"and there she found {number * k % 13} grains of corn and kept {k} of them."
        for k in range(1, 9)
    )


@pytest.fixture(autouse=True)
def one_thread():
    """As the processes have: what is compared adds up in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Texts:
    """Documents of many lengths, so that parts of a batch have different numbers of targets."""

    def __len__(self):
        return 40

    def document(self, number):
        return [(number * 7 + place * place) % 61 + 2 for place in range(3 + number)]


def a_model():
    config = ModelConfig(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2)
    return Transformer(config, generator=torch.Generator().manual_seed(3))


def some_batches(rows=8):
    return packed_batches(Texts(), rows=rows, context=32, separator=0, seed=0)


def losses(**how):
    model = a_model()
    steps = train(
        model, some_batches(), next_token_loss, optimizer=optimizer_for(model), steps=STEPS,
        schedule=Schedule(steps=STEPS), stage="base", **how,
    )  # fmt: skip
    return [step.loss for step in steps]


def gradients_of(model):
    return {name: weight.grad for name, weight in model.named_parameters()}


@pytest.mark.parametrize("pieces", [2, 3, 8])
def test_the_gradient_of_a_batch_in_pieces_is_that_of_the_whole(pieces):
    batch = next(some_batches())
    whole, cut = a_model(), a_model()
    loss, _ = Gradients(whole, next_token_loss)(batch)
    same, _ = Gradients(cut, next_token_loss, pieces=pieces)(batch)
    assert same == pytest.approx(loss, abs=1e-6)
    expected = gradients_of(whole)
    for name, gradient in gradients_of(cut).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-6, rtol=1e-4)


def test_parts_with_few_targets_count_little():
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    targets = torch.tensor([[2, 3, 4], [-100, -100, 7]])
    batch = Batch(ids=ids, targets=targets)
    loss, _ = Gradients(a_model(), next_token_loss, pieces=2)(batch)
    alone = [next_token_loss(a_model(), part)[0].item() for part in parts_of(batch, 2)]
    assert loss == pytest.approx((3 * alone[0] + alone[1]) / 4, abs=1e-6)
    assert abs(alone[0] - alone[1]) > 1e-4  # so a mean of means would be another number


def test_figures_beside_the_loss_are_averaged_like_it():
    def with_figure(model, batch):
        return next_token_loss(model, batch)[0], {"targets": float((batch.targets >= 0).sum())}

    targets = torch.tensor([[1, 1, 1, 1], [1, 1, -100, -100]])
    batch = Batch(ids=torch.ones_like(targets), targets=targets)
    _, figures = Gradients(a_model(), with_figure, pieces=2)(batch)
    assert figures == {"targets": pytest.approx((4 * 4 + 2 * 2) / 6)}


def test_the_parts_of_a_batch_are_its_rows():
    batch = next(some_batches())
    parts = parts_of(batch, 3)
    assert [len(part.ids) for part in parts] == [3, 3, 2]
    for name in ("ids", "targets", "documents"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))


def test_more_parts_than_rows_is_one_sentence():
    with pytest.raises(TinyLLMError, match="8 rows cannot be cut into 9 parts"):
        parts_of(next(some_batches()), 9)


def test_training_in_pieces_gives_the_same_losses():
    assert losses(pieces=4) == pytest.approx(losses(), abs=1e-4)


def test_two_processes_give_the_losses_of_one_to_a_ten_thousandth():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINING],
            env={**os.environ, **meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)}, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    results = [json.loads(out) for out, _ in said]
    assert [result["rank"] for result in results] == [0, 1]
    assert [result["said"] for result in results] == [{"rank": 0, "text": "grüß Gott"}] * 2
    expected = losses()
    for result in results:
        assert result["losses"] == pytest.approx(expected, abs=1e-4)
    assert expected[-1] < expected[0] - 0.5  # steps were taken


def test_torchrun_trains_the_model_that_one_process_trains(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(a_page(number) for number in range(300)), encoding="utf-8")
    train = ["-m", "tinyllm", "train", "--from", str(text), "--size", "nano", "--steps", "6"]
    losses = []
    for start in ([], ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]):
        home = tmp_path / str(len(start))
        command = [sys.executable, *start, *train, "--json"]
        done = subprocess.run(
            command, env={**os.environ, "TINYLLM_HOME": str(home)}, cwd=ROOT, timeout=300,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["done"] == ["corpus", "tokenizer", "base"]
        lines = (home / "runs/default/metrics/base.jsonl").read_text(encoding="utf-8").splitlines()
        events = map(json.loads, lines)
        losses.append([event["loss"] for event in events if event["event"] == "Step"])
    assert len(losses[0]) == 6
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_without_torchrun_a_process_is_alone():
    world = World.joined({})
    assert world == World(rank=0, size=1)
    assert world.first
    assert list(islice(some_batches(), 1))
