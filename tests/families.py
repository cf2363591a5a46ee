"""Other people's small models, shrunk and random: folders with the traits of the real ones.

Heads, ties, positions, number formats and files are those of SmolLM2-135M, TinyLlama-1.1B,
Llama-3.2-1B and Qwen3-0.6B; each tokenizer is trained here, in the manner of that family.
"""

import json

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast, Qwen3Config

TEXT = "The sky is blue, and it's wide: 12 bees, 345 trees! The hen isn't here.\n" * 20
WORDS = Regex(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
STRETCH = {
    "rope_type": "llama3",
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 24,
}
SHAPE = {"vocab_size": 384, "hidden_size": 36, "intermediate_size": 48, "num_hidden_layers": 2}


def of_bytes(special, *steps, regex=False):
    """Byte-level BPE behind these steps, as GPT-2, Llama 3, Qwen and SmolLM have it."""
    backend = Tokenizer(BPE())
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    backend.pre_tokenizer = pre_tokenizers.Sequence([*steps, last])
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return learn(backend, special, initial_alphabet=alphabet)


def of_pieces(special):
    """BPE that writes spaces as "▁" and falls back to bytes, as Llama 2 and TinyLlama have it."""
    backend = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    learn(backend, [*special, *(f"<0x{byte:02X}>" for byte in range(256))], vocab_size=370)
    parts = json.loads(backend.to_str())
    parts["added_tokens"] = parts["added_tokens"][: len(special)]  # bytes are ordinary pieces
    backend = Tokenizer.from_str(json.dumps(parts))
    backend.pre_tokenizer = None
    spaces = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    backend.normalizer = normalizers.Sequence(spaces)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)])
    return begun(backend, "<s>")


def learn(backend, special, *, vocab_size=320, **settings):
    trainer = BpeTrainer(
        vocab_size=vocab_size, special_tokens=special, show_progress=False, **settings
    )
    backend.train_from_iterator([TEXT], trainer)
    return backend


def begun(backend, name):
    """The tokenizer that puts the token `name` before every text."""
    backend.post_processor = processors.TemplateProcessing(
        single=f"{name} $A", special_tokens=[(name, backend.token_to_id(name))]
    )
    return backend


def smollm2():
    digits = pre_tokenizers.Digits(individual_digits=True)
    ends = "<|endoftext|>"
    special = [ends, "<|im_start|>", "<|im_end|>"]
    tokens = of_bytes(special, digits, regex=True), {"bos_token": ends, "eos_token": ends}
    heads = {"num_attention_heads": 9, "num_key_value_heads": 3}
    return LlamaConfig(
        **SHAPE, **heads, tie_word_embeddings=True, max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
        bos_token_id=0, eos_token_id=0, rms_norm_eps=1e-5,
    ), tokens  # fmt: skip


def tinyllama():
    tokens = of_pieces(["<unk>", "<s>", "</s>"]), {
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>",
    }  # fmt: skip
    heads = {"num_attention_heads": 6, "num_key_value_heads": 2}
    return LlamaConfig(**SHAPE, **heads, max_position_embeddings=2048, rms_norm_eps=1e-5), tokens


def llama32():
    words = pre_tokenizers.Split(WORDS, "isolated")
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    backend = begun(of_bytes(special, words), "<|begin_of_text|>")
    tokens = backend, {"bos_token": special[0], "eos_token": special[1]}
    heads = {"num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 12}
    return LlamaConfig(
        **SHAPE, **heads, tie_word_embeddings=True, max_position_embeddings=131_072,
        rope_parameters={**STRETCH, "rope_theta": 500_000.0}, bos_token_id=0, eos_token_id=[1, 2],
    ), tokens  # fmt: skip


def qwen3():
    words = pre_tokenizers.Split(WORDS, "isolated")
    backend = of_bytes(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], words)
    backend.normalizer = normalizers.NFC()
    backend.add_tokens(["<think>", "</think>"])
    tokens = backend, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 128}
    return Qwen3Config(
        **SHAPE, **heads, tie_word_embeddings=True, max_position_embeddings=40_960,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        bos_token_id=0, eos_token_id=2,
    ), tokens  # fmt: skip


FAMILIES = {"SmolLM2": smollm2, "TinyLlama": tinyllama, "Llama-3.2": llama32, "Qwen3": qwen3}


def make(name, folder, **settings):
    """Write the folder of a family as `transformers` saves it; return its model, float32."""
    config, (backend, special) = FAMILIES[name]()
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape))
    model.save_pretrained(folder, **settings)
    PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(folder)
    return model


def edit(path, **changes):
    """Change a JSON file; a value of None takes the field out."""
    values = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    kept = {name: value for name, value in values.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")
