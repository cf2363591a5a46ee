"""How a conversation is written for the model.

    <|user|>What do bees make?<|end|><|assistant|>Bees make honey.<|end|>

The four marks are single tokens, so the model can never mistake a letter for one. A base model has
not met them; fine-tuning teaches them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinyllm.files import TinyLLMError

ROLES = ("user", "assistant")

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}"
    "{{- '<|user|>' + message['content'] + '<|end|>' -}}"
    "{%- elif message['role'] == 'assistant' -%}"
    "{{- '<|assistant|>' -}}"
    "{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- raise_exception('expected the roles user and assistant, got ' + message['role']) -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""The same in Jinja, for `transformers`. `generation` marks what the assistant says, so that
trainers such as TRL's can put the loss on answers only."""


def check_messages(messages: Sequence[Mapping[str, str]]) -> None:
    """Refuse a conversation that the template cannot write.

    >>> check_messages([{"role": "system", "content": "Be kind."}])
    Traceback (most recent call last):
    tinyllm.files.TinyLLMError: Message 1 has the role 'system'; expected 'user' or 'assistant'.
    """
    for place, message in enumerate(messages, start=1):
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            raise TinyLLMError(
                f"Message {place} has the role {role!r}; expected 'user' or 'assistant'."
            )
        if not isinstance(content, str):
            raise TinyLLMError(
                f"Message {place} has content of type {type(content).__name__}; expected text."
            )
