"""A model on disk: a Hugging Face model folder, ours or another's.

    config.json               the shape, in transformers' words
    model.safetensors         the weights, float32 but where somebody asks for half of that (others'
                              may lie in several files with an index)
    tokenizer.json, ...       the tokenizer
    generation_config.json    where a text ends
    manifest.json             what it was made from, and the hash of every file (ours alone)

No pickle anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tinyllm.files import TinyLLMError, atomic_folder, read_manifest, sha256, write_manifest
from tinyllm.model.config import ARCHITECTURES, ModelConfig, RopeScaling
from tinyllm.model.transformer import Transformer

if TYPE_CHECKING:
    from tinyllm.tokens import Tokenizer

WEIGHTS = "model.safetensors"
NEEDED = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)
"""What every config.json must say; the rest has defaults."""


def to_transformers(config: ModelConfig, *, head: str = "ForCausalLM") -> dict[str, Any]:
    """The fields of config.json by which `transformers` builds the same model.

    >>> to_transformers(ModelConfig())["architectures"]
    ['Qwen3ForCausalLM']
    """
    family = {"qwen3": "Qwen3", "llama": "Llama"}[config.architecture]
    shape = dict(vars(config))
    del shape["architecture"]
    scaling = shape.pop("rope_scaling")
    rope = {"rope_type": "llama3", **vars(scaling)} if scaling else {"rope_type": "default"}
    return {
        **shape,
        "architectures": [family + head],
        "model_type": config.architecture,
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        **({"mlp_bias": False} if config.architecture == "llama" else {}),
        "rope_parameters": {**rope, "rope_theta": config.rope_theta},
        "dtype": "float32",
        "use_cache": True,
    }


def from_transformers(values: Mapping[str, Any]) -> ModelConfig:
    """The `ModelConfig` of a config.json; what we do not build is a `TinyLLMError` naming it.

    >>> from_transformers(to_transformers(ModelConfig())) == ModelConfig()
    True
    >>> from_transformers({**to_transformers(ModelConfig()), "attention_bias": True})
    Traceback (most recent call last):
    ...
    tinyllm.files.TinyLLMError: This model uses attention_bias = True, which tinyllm does not build.
    """
    kind = values.get("model_type")
    if kind not in ARCHITECTURES:
        raise TinyLLMError(
            f"This is a model of type {kind!r}; tinyllm opens {' and '.join(ARCHITECTURES)}."
        )
    rope = values.get("rope_parameters") or values.get("rope_scaling") or {}
    rope_type = rope.get("rope_type") or rope.get("type") or "default"
    layers = set(values.get("layer_types") or ()) - {"full_attention"}
    unknown = {
        "attention_bias": values.get("attention_bias"),
        "mlp_bias": values.get("mlp_bias"),
        "hidden_act": _unless(values, "hidden_act", "silu"),
        "rope_type": None if rope_type in ("default", "llama3") else rope_type,
        "partial_rotary_factor": _unless({**values, **rope}, "partial_rotary_factor", 1.0),
        "use_sliding_window": values.get("use_sliding_window"),
        "layer_types": sorted(layers),
        "quantization_config": values.get("quantization_config"),
    }
    for name, value in unknown.items():
        if value:
            raise TinyLLMError(f"This model uses {name} = {value}, which tinyllm does not build.")
    for name in NEEDED:
        if values.get(name) is None:
            raise TinyLLMError(f"config.json does not say {name}; it is not whole.")
    heads = values["num_attention_heads"]
    usual_head_dim = 128 if kind == "qwen3" else values["hidden_size"] // heads
    return ModelConfig(
        **{name: values[name] for name in NEEDED},
        num_key_value_heads=values.get("num_key_value_heads") or heads,
        head_dim=values.get("head_dim") or usual_head_dim,
        rope_theta=float(rope.get("rope_theta") or values.get("rope_theta") or 10_000.0),
        rms_norm_eps=float(values.get("rms_norm_eps", 1e-6)),
        tie_word_embeddings=bool(values.get("tie_word_embeddings", False)),
        architecture=kind,
        rope_scaling=_scaling(rope) if rope_type == "llama3" else None,
    )


def _scaling(rope: Mapping[str, Any]) -> RopeScaling:
    """The numbers of Llama 3's stretched positions, all four of them."""
    names = [field.name for field in fields(RopeScaling)]
    for name in names:
        if rope.get(name) is None:
            raise TinyLLMError(
                f"config.json does not say {name} of llama3's rope; it is not whole."
            )
    return RopeScaling(**{name: rope[name] for name in names})


def _unless(values: Mapping[str, Any], name: str, usual: Any) -> Any:
    """The value under `name` if it is there and not the usual one."""
    value = values.get(name)
    return None if value == usual else value


def save_model(
    model: Transformer,
    tokenizer: Tokenizer,
    folder: Path,
    *,
    eos: int,
    dtype: torch.dtype = torch.float32,
    **manifest: Any,
) -> None:
    """Write `model` and its tokenizer to `folder`, all of it or nothing.

    `eos` is the token that ends a text: `tokenizer.end_of_text` of a base model, `tokenizer.end` of
    one that chats. The weights are rounded to `dtype`. `manifest` says from what it was made.
    """
    ends = {
        "bos_token_id": tokenizer.end_of_text,
        "eos_token_id": eos,
        "pad_token_id": tokenizer.pad,
    }
    with atomic_folder(Path(folder)) as new:
        tokenizer.save(new, eos_token=tokenizer.pieces([eos])[0].decode())
        write_weights(model.state_dict(), new, dtype)
        shape = {**to_transformers(model.config), "dtype": str(dtype).removeprefix("torch.")}
        _write_json(new / "config.json", {**shape, **ends})
        _write_json(new / "generation_config.json", {**ends, "do_sample": True})
        hashes = {file.name: sha256(file) for file in sorted(new.iterdir())}
        write_manifest(new, **{"files": hashes, **manifest})


def load_model(
    folder: Path | str,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Transformer:
    """The model in `folder`, ours or one that `transformers` saved, on `device` (None: the CPU).

    A folder that is missing, not whole, of another version or of a kind that we do not build is a
    `TinyLLMError`.
    """
    values = read_config(folder)
    architectures = values.get("architectures") or ["ForCausalLM"]
    if not architectures[0].endswith("ForCausalLM"):
        raise TinyLLMError(
            f"{folder} holds a {architectures[0]}, which does not write text. "
            "Pass the folder of a language model."
        )
    model = Transformer(from_transformers(values))
    weights = read_weights(folder)
    if model.config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    fill(model, weights, folder)
    return model.to(device=device, dtype=dtype)


def read_config(folder: Path | str) -> dict[str, Any]:
    """What config.json of a model folder says, after a look at the manifest if there is one."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TinyLLMError(
            f"There is no model folder at {folder}. Check the path, or train a model first."
        )
    if (folder / "manifest.json").exists():
        read_manifest(folder)
    values = _read_json(folder / "config.json", folder)
    if not isinstance(values, dict):
        raise TinyLLMError(f"{folder / 'config.json'} does not describe a model.")
    return values


def write_weights(
    weights: Mapping[str, Tensor], folder: Path, dtype: torch.dtype = torch.float32
) -> None:
    """Write `weights` to model.safetensors in `folder`, as `dtype`."""
    plain = {
        name: weight.detach().to("cpu", dtype).contiguous() for name, weight in weights.items()
    }
    save_file(plain, folder / WEIGHTS, metadata={"format": "pt"})


def read_weights(folder: Path | str) -> dict[str, Tensor]:
    """Every tensor of a model folder by name, from one file or from several with an index."""
    folder = Path(folder)
    index = folder / f"{WEIGHTS}.index.json"
    names = [WEIGHTS]
    if not (folder / WEIGHTS).exists() and index.exists():
        names = sorted(set(_read_json(index, folder).get("weight_map", {}).values()))
    weights: dict[str, Tensor] = {}
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise TinyLLMError(
                f"{folder} has no {name}: the model in it is not whole. "
                "Make or download it again (its weights must be safetensors)."
            )
        try:
            weights.update(load_file(folder / name))
        except (SafetensorError, OSError) as error:
            raise TinyLLMError(
                f"{folder / name} cannot be read ({error}): it is damaged or was written by half. "
                "Delete the folder, and make or download the model again."
            ) from error
    return {name: weight for name, weight in weights.items() if "rotary_emb" not in name}


def fill(model: torch.nn.Module, weights: Mapping[str, Tensor], folder: Path | str) -> None:
    """Copy `weights` into `model`; names and shapes must be exactly those of the model."""
    wanted = model.state_dict()
    missing, extra = sorted(wanted.keys() - weights), sorted(weights.keys() - wanted)
    if missing or extra:
        trouble = f"lacks {missing[0]}" if missing else f"holds {extra[0]}, which it should not"
        raise TinyLLMError(
            f"The weights in {folder} do not fit its config.json: {WEIGHTS} {trouble} "
            f"({len(missing)} missing, {len(extra)} too many)."
        )
    for name, weight in weights.items():
        if weight.shape != wanted[name].shape:
            raise TinyLLMError(
                f"The weights in {folder} do not fit its config.json: {name} has shape "
                f"{tuple(weight.shape)}, expected {tuple(wanted[name].shape)}."
            )
    model.load_state_dict(dict(weights))


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read_json(path: Path, folder: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TinyLLMError(
            f"{folder} has no {path.name}: it is no model folder, or it was written by half."
        ) from None
    except (OSError, ValueError) as error:
        raise TinyLLMError(
            f"{path} cannot be read ({error}): it is damaged or was written by half. "
            "Delete the folder, and make or download the model again."
        ) from error
