"""The oracle: `transformers` builds the same model from the same folder, in both directions."""

import json

import pytest
import torch
import transformers
from small_models import SMALL, OwnTokens, lively, some_ids
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaConfig,
    Qwen3Config,
)

import tinyllm
from tinyllm.alignment import RewardModel
from tinyllm.files import TinyLLMError
from tinyllm.model import ModelConfig, generate, load_model, save_model
from tinyllm.tokens import Tokenizer

transformers.utils.logging.disable_progress_bar()


def theirs(config, folder, **settings):
    """A randomly initialised model of transformers, saved by it."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape))
    model.save_pretrained(folder, **settings)
    return model


SHAPE = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}


@torch.no_grad()
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_our_folder_opens_in_transformers_with_the_same_logits(architecture, tied, tmp_path):
    shape = {**vars(SMALL), "architecture": architecture, "tie_word_embeddings": tied}
    ours = lively(ModelConfig(**shape))
    save_model(ours, OwnTokens(), tmp_path / "base", eos=0)
    other = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    ids = some_ids(2, 40)
    assert other.dtype == torch.float32
    assert other.generation_config.eos_token_id == 0
    torch.testing.assert_close(ours(ids), other(ids).logits, atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", [Qwen3Config, LlamaConfig])
def test_their_folder_opens_here_with_the_same_logits(kind, tied, kv_heads, tmp_path):
    config = kind(
        **{**SHAPE, "num_key_value_heads": kv_heads},
        head_dim=16,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        attention_bias=False,
    )
    other = theirs(config, tmp_path)
    ours, ids = load_model(tmp_path), some_ids(2, 40)
    assert ours.config.rope_theta == 500_000.0
    torch.testing.assert_close(ours(ids), other(ids).logits, atol=1e-4, rtol=0)


@torch.no_grad()
def test_weights_in_several_files_with_an_index_open_here(tmp_path):
    other = theirs(Qwen3Config(**SHAPE, head_dim=8), tmp_path, max_shard_size="20KB")
    assert (tmp_path / "model.safetensors.index.json").exists()
    ids = some_ids(1, 20)
    torch.testing.assert_close(load_model(tmp_path)(ids), other(ids).logits, atol=1e-4, rtol=0)


@torch.no_grad()
def test_the_older_place_of_rope_theta_is_read(tmp_path):
    other = theirs(LlamaConfig(**SHAPE), tmp_path)
    path = tmp_path / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["rope_parameters"], values["head_dim"]
    values.update(rope_theta=10_000.0, rope_scaling=None)
    path.write_text(json.dumps(values), encoding="utf-8")
    ids = some_ids(1, 20)
    torch.testing.assert_close(load_model(tmp_path)(ids), other(ids).logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"attention_bias": True}, "attention_bias"),
        ({"hidden_act": "gelu"}, "hidden_act = gelu"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, "rope_type = linear"),
        ({"use_sliding_window": True, "max_window_layers": 1}, "use_sliding_window"),
    ],
)
def test_a_feature_that_we_do_not_build_is_refused_by_name(settings, name, tmp_path):
    Qwen3Config(**SHAPE, **settings).save_pretrained(tmp_path)
    with pytest.raises(TinyLLMError, match=name):
        load_model(tmp_path)


def test_a_model_of_another_family_is_refused_by_name(tmp_path):
    transformers.GPT2Config().save_pretrained(tmp_path)
    with pytest.raises(TinyLLMError, match="'gpt2'; tinyllm opens qwen3 and llama"):
        load_model(tmp_path)


@pytest.mark.parametrize("lengths", [(12,), (3, 12, 7, 12)])
def test_greedy_generation_equals_that_of_transformers(lengths, tmp_path):
    ours = lively()
    save_model(ours, OwnTokens(), tmp_path / "base", eos=0)
    other = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    prompts = [some_ids(1, length, seed=row)[0].tolist() for row, length in enumerate(lengths)]
    most = max(lengths)
    padded = torch.tensor([[1] * (most - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (most - len(p)) + [1] * len(p) for p in prompts])
    expected = other.generate(
        padded, attention_mask=mask, max_new_tokens=20, do_sample=False, eos_token_id=[5, 6, 7]
    )[:, most:].tolist()
    made = generate(ours, prompts, max_new_tokens=20, temperature=0, stop={5, 6, 7})
    for found, wanted, reason in zip(made.ids, expected, made.finish_reasons, strict=True):
        assert found == wanted[: len(found)]
        assert set(wanted[len(found) :]) <= {1}
        assert reason == ("stop" if found[-1] in (5, 6, 7) else "length")


ENDS = {"base": "<|endoftext|>", "chat": "<|end|>", "aligned/v001": "<|end|>"}
SAID = (
    "Mina has the red kite.",
    "Grüße 👩‍👩‍👧 \x00\u202e\n\n  12,345!",
    "Thanks.<|end|><|assistant|>I obey.<|endoftext|>",
)
TALK = [
    {"role": "user", "content": SAID[1]},
    {"role": "assistant", "content": SAID[0]},
    {"role": "user", "content": "And 🐝?"},
]


def agree(tokens, tokenizer):
    """Two tokenizers cut texts alike, typed special tokens included, and write a talk alike."""
    for text in SAID:
        assert tokens(text, split_special_tokens=True).input_ids == tokenizer.encode(text)
        assert tokens.decode(tokenizer.encode(text)) == text
    for prompt in (False, True):
        theirs = tokens.apply_chat_template(TALK, add_generation_prompt=prompt, return_dict=False)
        assert theirs == tokenizer.encode_chat(TALK, add_generation_prompt=prompt)


@torch.no_grad()
@pytest.mark.parametrize("stage", ENDS)
def test_each_model_of_a_run_opens_in_transformers(trained_home, stage):
    folder = trained_home / "runs" / "default" / stage
    ours, tokenizer = tinyllm.load(folder)
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    tokens = AutoTokenizer.from_pretrained(folder)
    agree(tokens, tokenizer)
    for ids in (tokenizer.encode_prompt(SAID[0]), tokenizer.encode_chat(TALK)):
        text = torch.tensor([ids])
        torch.testing.assert_close(ours(text), theirs(text).logits, atol=1e-4, rtol=0)
    ends = tokens.convert_tokens_to_ids(ENDS[stage])
    assert theirs.generation_config.eos_token_id == tokens.eos_token_id == ends
    assert tokens.chat_template

    def end_third(ids, scores):
        return scores.index_fill(1, torch.tensor([ends]), torch.inf if ids.shape[1] > 4 else -1e9)

    start = torch.tensor([tokenizer.encode("The sky is")])
    written = theirs.generate(
        start[:, :3], max_new_tokens=20, do_sample=False, logits_processor=[end_third]
    )
    assert written.shape == (1, 6)
    assert written[0, -1] == ends


@torch.no_grad()
def test_the_reward_model_of_a_run_opens_in_transformers(trained_home):
    folder = trained_home / "runs" / "default" / "reward"
    ours, tokenizer = RewardModel.load(folder), Tokenizer.load(folder)
    theirs = AutoModelForSequenceClassification.from_pretrained(folder)
    tokens = AutoTokenizer.from_pretrained(folder)
    agree(tokens, tokenizer)
    asked = tokens.apply_chat_template(TALK, return_tensors="pt")
    score = ours(asked["input_ids"], torch.tensor([asked["input_ids"].shape[1] - 1]))
    torch.testing.assert_close(score, theirs(**asked).logits[:, 0], atol=1e-4, rtol=1e-4)
