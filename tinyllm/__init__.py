"""Make a language model, all of it, on an ordinary laptop, and understand every step.

The rooms of the house, in the order in which a model is made: `tinyllm.village`,
`tinyllm.corpus`, `tinyllm.tokens`, `tinyllm.model`, `tinyllm.training`, `tinyllm.alignment`;
beside them `tinyllm.evaluation` and `tinyllm.figures`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyllm.model import Transformer
    from tinyllm.tokens import Tokenizer

__all__ = ["__version__", "load"]

__version__ = "0.1.0"


def load(folder: Path | str) -> tuple[Transformer, Tokenizer]:
    """The model and the tokenizer of a model folder, ready to be used on the CPU in float32.

    The folder is ours, or that of a Llama or Qwen3 that `transformers` saved. PyTorch is imported
    here, at the first call, so that `import tinyllm` costs nothing. A folder that is missing or not
    whole is a `TinyLLMError`.
    """
    from tinyllm.model import load_model

    model = load_model(folder)
    from tinyllm.tokens import load_tokenizer

    return model, load_tokenizer(folder)
