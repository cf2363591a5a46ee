"""The ways out that OUT.md tells of, walked as they stand there: transformers, TRL, and back."""

import json
import re
from pathlib import Path

import pytest
import torch

import tinyllm
from tinyllm import cli
from tinyllm.model import sequence_logprobs
from tinyllm.village import chat_examples

OUT = (Path(tinyllm.__file__).parents[1] / "OUT.md").read_text(encoding="utf-8")


def walk(word, **folders):
    """Run the lines of OUT.md that hold `word`, with these folders; what they leave behind."""
    [lines] = [block for block in re.findall(r"```python\n(.*?)```", OUT, re.S) if word in block]
    for name, folder in folders.items():
        assert f"path/to/{name}" in lines
        lines = lines.replace(f"path/to/{name}", folder.as_posix())
    left = {}
    exec(lines, left)
    return left


@pytest.fixture(scope="module")
def chat(trained_home):
    return trained_home / "runs" / "default" / "chat"


@pytest.fixture(scope="module")
def trained(chat, tmp_path_factory):
    """What the lines for TRL leave behind, and the folder that they write."""
    folder = tmp_path_factory.mktemp("trl") / "chat"
    return walk("SFTTrainer", **{"runs/default/chat": chat, "trl-chat": folder}), folder


def answers_loss(folder):
    """Nats a token that the model in a folder loses on answers of the village."""
    model, tokenizer = tinyllm.load(folder)
    total = count = 0
    for one in chat_examples(seed=0, count=100):
        talk = [{"role": "user", "content": one.prompt}]
        asked = tokenizer.encode_chat(talk, add_generation_prompt=True)
        ids = torch.tensor([[*asked, *tokenizer.encode(one.answer), tokenizer.end]])
        said = torch.arange(ids.shape[1])[None] >= len(asked)
        with torch.no_grad():
            total -= sequence_logprobs(model, ids, said).sum().item()
        count += int(said.sum())
    return total / count


def test_the_lines_for_transformers_run(chat, capsys):
    walk("apply_chat_template", **{"runs/default/chat": chat})
    assert "<|" not in capsys.readouterr().out


def test_trl_reads_our_talks_token_for_token_and_learns_from_the_answers_alone(chat, trained):
    _, tokenizer = tinyllm.load(chat)
    left, _ = trained
    for row, talk in zip(left["trainer"].train_dataset, left["talks"], strict=True):
        ids, answer = row["input_ids"], [*tokenizer.encode(talk[1]["content"]), tokenizer.end]
        assert ids == tokenizer.encode_chat(talk)
        assert row["labels"] == [-100] * (len(ids) - len(answer)) + answer


def test_twenty_steps_of_trl_lower_the_loss(chat, trained):
    left, folder = trained
    assert left["trainer"].state.global_step == 20
    assert answers_loss(folder) < answers_loss(chat)


def test_what_trl_has_made_answers_here(trained, capsys):
    _, folder = trained
    code = cli.run_command(["generate", "Who has the red kite?", "--stage", str(folder)])
    prompt, answer = capsys.readouterr().out.split("\n", 1)
    assert (code, prompt) == (0, "Who has the red kite?")
    assert answer.strip()
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["eos_token_id"] == 4
