"""A very small chat model and reward model, and an alignment of two steps: for many tests."""

import pytest
import torch

from tinyllm.alignment.align import align
from tinyllm.alignment.policy_config import PolicyConfig
from tinyllm.alignment.promotion import Limits
from tinyllm.alignment.reward import RewardModel
from tinyllm.model import ModelConfig, Transformer, load_model, save_model
from tinyllm.tokens import Tokenizer

TOKENIZER = Tokenizer.from_merges([])
CONFIG = ModelConfig(vocab_size=TOKENIZER.vocab_size, hidden_size=32, intermediate_size=48,
                     num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                     head_dim=16, max_position_embeddings=64)  # fmt: skip
PROMPTS = ["Hello", "Who has it?", "Sing", "Tell me"]
HELD_OUT = ["Good day", "Why?"]
SMALL = PolicyConfig(steps=2, prompts_per_step=2, num_samples=2, max_new_tokens=6,
                     reference_samples=2, evaluate_every=1)  # fmt: skip
NO_LIMITS = Limits(kl=1e9, distinct=1e-9, finished=1.0, safe=1.0, shorter=0.0, longer=1e9)


@pytest.fixture(name="one_thread")
def set_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noise_into(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="module", name="small_chat")
def make_small_chat(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "chat"
    save_model(noise_into(Transformer(CONFIG), 1), TOKENIZER, folder, eos=TOKENIZER.end,
               stage="chat")  # fmt: skip
    return folder


@pytest.fixture(scope="module", name="small_reward")
def make_small_reward(small_chat):
    model = RewardModel.grown_from(load_model(small_chat))
    noise_into(model, 2).save(TOKENIZER, small_chat.parent / "reward", stage="reward")
    return small_chat.parent / "reward"


def run(chat, aligned, **changes):
    arguments = {"prompts": PROMPTS, "held_out": HELD_OUT, "config": SMALL, "limits": NO_LIMITS}
    return list(align(chat, aligned, **(arguments | changes)))
