"""`import tinyllm` costs nothing, and `tinyllm.load` gives back what was saved."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from small_models import lively, some_ids

import tinyllm
from tinyllm.files import TinyLLMError
from tinyllm.model import ModelConfig, save_model

ROOT = Path(tinyllm.__file__).parents[1]


def test_importing_the_package_imports_no_torch():
    check = "import sys, tinyllm; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tinyllm.__version__ == project["version"]


def test_load_gives_back_the_model_and_its_tokenizer(tmp_path):
    from tinyllm.tokens import train_tokenizer

    tokenizer = train_tokenizer(["the sky is blue. " * 20], vocab_size=270)
    model = lively(ModelConfig(vocab_size=tokenizer.vocab_size, num_hidden_layers=1))
    save_model(model, tokenizer, tmp_path / "base", eos=tokenizer.end_of_text)
    loaded, tokens = tinyllm.load(tmp_path / "base")
    assert torch.equal(loaded(some_ids(1, 9)), model(some_ids(1, 9)))
    assert tokens.decode(tokens.encode("the sky")) == "the sky"


def test_load_of_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(TinyLLMError, match="There is no model folder at"):
        tinyllm.load(tmp_path / "nothing")
