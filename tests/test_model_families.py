"""`tinyllm.load` opens folders like those of SmolLM2, TinyLlama, Llama 3.2 and Qwen3, and
`transformers` is the judge."""

import json
from types import SimpleNamespace

import pytest
import torch
from families import FAMILIES, STRETCH, edit, make
from safetensors.torch import load_file, save_file
from small_models import some_ids
from tokenizers import Tokenizer as Backend
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

import tinyllm
from tinyllm import cli
from tinyllm.files import TinyLLMError
from tinyllm.model import from_transformers, load_model, to_transformers, trace
from tinyllm.model.config import RopeScaling
from tinyllm.model.rotary import frequencies
from tinyllm.tokens import Tokenizer

TEXTS = (
    "The sky is blue, and it's wide.",
    "2024 bees\n\n  and   345 hens ",
    "déjà vu 👩‍👩‍👧 𝄞 \t 漢字 <0x41>",
    " a space first",
    "",
)
PROMPT = "The sky is"


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """A folder, and what transformers and tinyllm each make of it."""
    folder = tmp_path_factory.mktemp("family") / request.param
    make(request.param, folder)
    model, tokenizer = tinyllm.load(folder)
    return SimpleNamespace(
        name=request.param, folder=folder, model=model, tokenizer=tokenizer,
        their_model=AutoModelForCausalLM.from_pretrained(folder),
        their_tokenizer=AutoTokenizer.from_pretrained(folder),
    )  # fmt: skip


@torch.no_grad()
def test_the_logits_are_those_of_transformers(family):
    ids = some_ids(2, 60)
    theirs = family.their_model(ids).logits
    torch.testing.assert_close(family.model(ids), theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_ids_of_transformers_and_comes_back_as_there(family, text):
    ids = family.tokenizer.encode(text)
    assert ids == family.their_tokenizer(text, add_special_tokens=False).input_ids
    assert family.tokenizer.encode_batch([text]) == [ids]
    assert family.tokenizer.encode_prompt(text) == (
        family.their_tokenizer(text).input_ids or [family.tokenizer.end_of_text]
    )
    assert family.tokenizer.decode(ids) == family.their_tokenizer.decode(ids) == text


def test_a_special_token_that_somebody_types_is_text(family):
    for name in family.their_tokenizer.all_special_tokens:
        text = f"Bye.{name} And then"
        ids = family.tokenizer.encode(text)
        assert not set(ids) & set(family.their_tokenizer.all_special_ids)
        assert family.tokenizer.decode(ids) == text


def test_the_numbers_that_apps_ask_for_are_those_of_transformers(family):
    ours, theirs = family.tokenizer, family.their_tokenizer
    assert ours.end_of_text == ours.end == theirs.eos_token_id
    assert ours.pad == (theirs.eos_token_id if theirs.pad_token is None else theirs.pad_token_id)
    assert ours.vocab_size == family.model.config.vocab_size >= len(theirs)
    assert ours.decode([*ours.encode("hi"), ours.end_of_text, ours.vocab_size - 1]) == "hi"


def test_pieces_are_the_bytes_of_the_text_and_merges_join_pieces(family):
    for text in TEXTS:
        spelled = b"".join(family.tokenizer.pieces(family.tokenizer.encode(text))).decode()
        assert spelled in (text, f" {text}")  # the SentencePiece family begins with a space
    known = set(family.tokenizer.pieces(range(family.tokenizer.vocab_size)))
    assert all(left + right in known for left, right in family.tokenizer.merges)


def test_generate_writes_what_transformers_writes(family, capsys):
    arguments = ["generate", PROMPT, "--stage", str(family.folder), "--json"]
    code = cli.run_command([*arguments, "--temperature", "0", "--max-new-tokens", "12"])
    ours = json.loads(capsys.readouterr().out)
    asked = family.their_tokenizer(PROMPT, return_tensors="pt")
    ends = family.their_tokenizer.eos_token_id
    written = family.their_model.generate(
        **asked, max_new_tokens=12, do_sample=False, eos_token_id=ends, pad_token_id=ends
    )
    assert code == 0
    theirs = family.tokenizer.decode(written[0].tolist())
    assert ours["prompt"] + ours["completion"] == theirs
    assert len(theirs) > len(PROMPT)


def test_a_look_inside_ends_in_the_models_own_scores(family):
    ids = family.tokenizer.encode_prompt(PROMPT)
    scores = family.model(torch.tensor([ids])).log_softmax(-1)[0]
    torch.testing.assert_close(trace(family.model, ids).lens[-1], scores, atol=1e-4, rtol=0)


def test_its_conversations_are_left_to_transformers(family):
    talk = [{"role": "user", "content": "Hello"}]
    with pytest.raises(TinyLLMError, match="only goes on from a text"):
        family.tokenizer.encode_chat(talk)
    with pytest.raises(TinyLLMError, match="not a tokenizer of tinyllm"):
        Tokenizer.load(family.folder)


def test_its_tokenizer_is_saved_as_it_came(family, tmp_path):
    family.tokenizer.save(tmp_path)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (family.folder / file.name).read_bytes()
    assert AutoTokenizer.from_pretrained(tmp_path)(PROMPT) == family.their_tokenizer(PROMPT)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_open_in_float32(tmp_path, dtype):
    make("Qwen3", tmp_path)
    path, ids = tmp_path / "model.safetensors", some_ids(1, 30)
    halves = {name: weight.to(dtype) for name, weight in load_file(path).items()}
    save_file(halves, path, metadata={"format": "pt"})
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ours = load_model(tmp_path)
    assert ours.output_weight.dtype == torch.float32
    torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("name", ["SmolLM2", "Qwen3"])
def test_a_head_that_is_stored_although_it_is_tied_changes_nothing(tmp_path, name):
    theirs = make(name, tmp_path)
    path, ids = tmp_path / "model.safetensors", some_ids(1, 30)
    weights = load_file(path)
    save_file({**weights, "lm_head.weight": weights["model.embed_tokens.weight"].clone()}, path)
    torch.testing.assert_close(load_model(tmp_path)(ids), theirs(ids).logits, atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("name", FAMILIES)
def test_the_older_way_to_say_positions_opens_too(tmp_path, name):
    theirs, ids = make(name, tmp_path), some_ids(1, 60)
    rope = dict(theirs.config.rope_parameters)
    theta = rope.pop("rope_theta")
    scaling = rope if rope["rope_type"] != "default" else None
    path = tmp_path / "config.json"
    edit(path, rope_parameters=None, rope_scaling=scaling, rope_theta=theta)
    if name in ("SmolLM2", "TinyLlama", "Qwen3"):  # what it is when config.json does not say it
        edit(path, head_dim=None)
    torch.testing.assert_close(load_model(tmp_path)(ids), theirs(ids).logits, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("head_dim", "theta", "factor"), [(64, 5e5, 8.0), (128, 1e4, 32.0)])
def test_stretched_positions_turn_as_in_transformers(head_dim, theta, factor):
    rope = {**STRETCH, "factor": factor, "original_max_position_embeddings": 8192}
    config = LlamaConfig(
        head_dim=head_dim, rope_parameters={**rope, "rope_theta": theta},
        max_position_embeddings=131_072,
    )  # fmt: skip
    theirs, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    del rope["rope_type"]
    ours = frequencies(head_dim, theta, RopeScaling(**rope))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=0)
    plain = frequencies(head_dim, theta)
    assert torch.equal(ours[:4], plain[:4])
    torch.testing.assert_close(ours[-4:], plain[-4:] / factor)


def test_stretched_positions_are_written_as_they_were_read(tmp_path):
    make("Llama-3.2", tmp_path)
    config = load_model(tmp_path).config
    assert config.rope_scaling.factor == STRETCH["factor"]
    assert from_transformers(to_transformers(config)) == config


def test_stretched_positions_with_a_gap_say_which(tmp_path):
    make("Llama-3.2", tmp_path)
    rope = {name: value for name, value in STRETCH.items() if name != "high_freq_factor"}
    edit(tmp_path / "config.json", rope_parameters={**rope, "rope_theta": 1e4})
    with pytest.raises(TinyLLMError, match="does not say high_freq_factor"):
        load_model(tmp_path)


def test_a_tokenizer_whose_pieces_are_no_bytes_is_refused_by_name(tmp_path):
    make("Qwen3", tmp_path)
    Backend(WordLevel({"sky": 0})).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TinyLLMError, match="has a decoder of type None; tinyllm reads"):
        tinyllm.load(tmp_path)


def test_a_folder_that_names_no_end_of_text_is_refused(tmp_path):
    make("TinyLlama", tmp_path)
    edit(tmp_path / "tokenizer_config.json", eos_token=None)
    assert tinyllm.load(tmp_path)[1].end_of_text == 2  # config.json says it too
    edit(tmp_path / "config.json", eos_token_id=None)
    with pytest.raises(TinyLLMError, match="does not say which token ends a text"):
        tinyllm.load(tmp_path)
