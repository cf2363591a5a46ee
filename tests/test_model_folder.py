"""A model folder: whole or refused in one sentence."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_models import SMALL, OwnTokens, lively, some_ids

from tinyllm.files import TinyLLMError, read_manifest, sha256
from tinyllm.model import load_model, save_model


@pytest.fixture
def folder(tmp_path):
    save_model(lively(), OwnTokens(), tmp_path / "chat", eos=4, stage="chat", seed=7)
    return tmp_path / "chat"


def edit(path, change):
    values = json.loads(path.read_text(encoding="utf-8"))
    values.update(change)
    path.write_text(json.dumps(values), encoding="utf-8")


def test_a_model_that_was_saved_is_loaded_unchanged(folder):
    ids = some_ids(2, 20)
    loaded = load_model(folder)
    assert loaded.config == SMALL
    assert torch.equal(loaded(ids), lively()(ids))


def test_the_folder_holds_what_transformers_expects_and_our_manifest(folder):
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "generation_config.json",
        "manifest.json",
        "model.safetensors",
        "tokenizer.json",
    }


def test_the_manifest_names_what_the_model_was_made_from_and_every_hash(folder):
    manifest = read_manifest(folder)
    assert (manifest["stage"], manifest["seed"]) == ("chat", 7)
    for name, value in manifest["files"].items():
        assert sha256(folder / name) == value
    assert "model.safetensors" in manifest["files"]


def test_the_end_of_a_text_stands_in_both_configurations(folder):
    for name in ("config.json", "generation_config.json"):
        values = json.loads((folder / name).read_text(encoding="utf-8"))
        assert (values["bos_token_id"], values["eos_token_id"], values["pad_token_id"]) == (0, 4, 1)


def test_a_bfloat16_model_is_saved_as_float32_and_loaded_as_asked(folder, tmp_path):
    model = load_model(folder, dtype=torch.bfloat16)
    assert model.output_weight.dtype == torch.bfloat16
    save_model(model, OwnTokens(), tmp_path / "again", eos=4)
    saved = load_file(tmp_path / "again" / "model.safetensors")
    assert {weight.dtype for weight in saved.values()} == {torch.float32}


def test_saving_over_a_model_replaces_all_of_it(folder):
    (folder / "stray.txt").write_text("old", encoding="utf-8")
    save_model(lively(seed=2), OwnTokens(), folder, eos=4)
    assert not (folder / "stray.txt").exists()
    assert torch.equal(load_model(folder).output_weight, lively(seed=2).output_weight)


def test_a_save_that_fails_leaves_the_old_model(folder):
    class Broken(OwnTokens):
        def save(self, folder, *, eos_token):
            raise RuntimeError("the tokenizer broke")

    before = sha256(folder)
    with pytest.raises(RuntimeError, match="broke"):
        save_model(lively(seed=2), Broken(), folder, eos=4)
    assert sha256(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["chat"]


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(TinyLLMError, match=r"There is no model folder at .*nowhere"):
        load_model(tmp_path / "nowhere")


def test_a_folder_of_something_else_says_so(tmp_path):
    with pytest.raises(TinyLLMError, match=r"has no config\.json"):
        load_model(tmp_path)


def test_a_folder_without_weights_says_so(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(TinyLLMError, match=r"has no model\.safetensors"):
        load_model(folder)


def test_half_a_weights_file_says_so(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(TinyLLMError, match="damaged or was written by half"):
        load_model(folder)


def test_a_folder_of_another_version_says_so(folder):
    edit(folder / "manifest.json", {"format": 99})
    with pytest.raises(TinyLLMError, match="another version of tinyllm"):
        load_model(folder)


def test_a_config_that_is_no_json_says_so(folder):
    (folder / "config.json").write_text('{"vocab', encoding="utf-8")
    with pytest.raises(TinyLLMError, match=r"config\.json cannot be read"):
        load_model(folder)


def test_a_config_with_a_gap_says_which(folder):
    edit(folder / "config.json", {"hidden_size": None})
    with pytest.raises(TinyLLMError, match="does not say hidden_size"):
        load_model(folder)


def test_weights_of_another_shape_say_which(folder):
    edit(folder / "config.json", {"vocab_size": 98})
    with pytest.raises(TinyLLMError, match=r"embed_tokens.weight has shape \(97, 32\), expected"):
        load_model(folder)


def test_a_missing_or_foreign_weight_is_named(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file({**weights, "model.layers.0.self_attn.q_proj.bias": torch.ones(4)}, path)
    with pytest.raises(TinyLLMError, match=r"holds model\.layers\.0\.self_attn\.q_proj\.bias"):
        load_model(folder)
    del weights["model.norm.weight"]
    save_file(weights, path)
    with pytest.raises(TinyLLMError, match=r"lacks model\.norm\.weight"):
        load_model(folder)


def test_an_index_that_points_outside_the_folder_is_refused(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"model.norm.weight": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(TinyLLMError, match="not whole"):
        load_model(folder)


def test_a_reward_model_is_not_opened_as_one_that_writes(folder):
    edit(folder / "config.json", {"architectures": ["Qwen3ForSequenceClassification"]})
    with pytest.raises(TinyLLMError, match="Qwen3ForSequenceClassification, which does not write"):
        load_model(folder)
