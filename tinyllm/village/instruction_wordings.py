"""How people ask: the wordings of every kind of request, for training and for `seen`.

Each table is a pair: the wordings that fine-tuning has, and other wordings of the same question,
made of words that training knows, which only the `seen` test asks. `{q}` is a question, `{s}` a
statement, `{x}` a wish ("draw a wasp nest"), `{account}` what happened, `{t}` a thing.
"""

from __future__ import annotations

Wordings = tuple[tuple[str, ...], tuple[str, ...]]

FACT: Wordings = (
    (
        "{q}",
        "Please tell me. {q}",
        "I have a question. {q}",
        "Do you know this? {q}",
        "Answer my question. {q}",
        "{q} Please tell me.",
        "{q} I want to know.",
        "{q} Can you tell me?",
        "Hello! {q}",
        "Tell me. {q}",
        "I want to know this. {q}",
        "Nobody could tell me this. {q}",
        "{q} I do not know.",
        "{q} I have to know it for school.",
        "{q} Thank you!",
    ),
    (
        "I do not know this. {q}",
        "{q} Do you know this?",
        "Please answer my question. {q}",
        "{q} I have no answer.",
    ),
)
"""Around a question; `seen` asks with the last question of every fact, which training lacks."""

TRUE_OR_FALSE: Wordings = (
    (
        "True or false: {s}",
        "{s} True or false?",
        "Is this true? {s}",
        "{s} Is that true?",
        "Is this right? {s}",
        "{s} Is that right?",
        "Somebody told me this: {s} Is it true?",
        "Please tell me if this is true: {s}",
        "I read this today: {s} Is it true or false?",
        "Tell me if this is right or false. {s}",
        "{s} Tell me if that is right.",
        "{s} I want to know if that is true.",
        "Please tell me: is this true? {s}",
    ),
    (
        "Is this true or false? {s}",
        "I read this today: {s} Is that right?",
        "Please tell me: true or false? {s}",
        "Somebody told me this today: {s} Is that true or false?",
        "{s} Please tell me if it is true.",
    ),
)

STORY: Wordings = (
    (
        "Tell me a story about {h} and {a}.",
        "Write a story about {h} and {a}.",
        "Please tell a story with {h} and {a} in it.",
        "I want to hear a story about {h} and {a}.",
        "Can you tell me a story of {h} and {a}?",
        "Make up a story in which {h} has {a}.",
        "What happened to {h} and {a}? Tell me a story.",
        "Can you tell me what happened to {h} and {a}?",
        "A story about {h} and {a}, please.",
        "Do you know a story about {h} and {a}?",
        "Please write a short story about {h} and {a}.",
    ),
    (
        "Please tell me a short story about {h} and {a}.",
        "Can you write a story with {h} and {a} in it?",
        "I want a story in which {h} has {a}.",
        "Make up a short story about {h} and {a}.",
        "Tell me what happened to {h} and {a}.",
    ),
)

WHO_HAS: Wordings = (
    (
        "{account} Who has the {t} now?",
        "{account} Who has the {t}?",
        "{account} Who has the {t} at the end?",
        "{account} Who holds the {t} now?",
        "{account} Who is holding the {t} at the end?",
        "{account} Tell me who has the {t} now.",
        "{account} Do you know who has the {t} now?",
        "{account} So who has the {t} at the end?",
        "Listen. {account} Who has the {t} now?",
        "Read this. {account} Tell me who has the {t} at the end.",
    ),
    (
        "{account} Tell me who holds the {t} now.",
        "{account} So who is holding the {t} now?",
        "Listen. {account} Tell me who has the {t}.",
        "Read this. {account} Who has the {t} at the end?",
        "{account} Do you know who holds the {t} at the end?",
    ),
)

COUNT_ALL: Wordings = (
    (
        "{account} How many {what} does {who} have now?",
        "{account} How many {what} does {who} have?",
        "{account} How many {what} has {who} got now?",
        "{account} Count the {what} of {who}.",
        "{account} Tell me how many {what} {who} has now.",
        "{account} Can you count the {what} of {who}?",
        "{account} So how many {what} does {who} have at the end?",
        "{account} What is the number of {what} that {who} has now?",
        "Listen. {account} How many {what} does {who} have now?",
        "Read this. {account} Tell me how many {what} {who} has.",
    ),
    (
        "{account} Tell me how many {what} {who} has at the end.",
        "{account} So how many {what} has {who} got?",
        "Listen. {account} Count the {what} of {who}.",
        "Read this. {account} How many {what} does {who} have?",
    ),
)

COUNT_LIST: Wordings = (
    (
        "{account} How many things are {there}?",
        "{account} How many things are that?",
        "{account} Count the things {there}.",
        "{account} Tell me how many things are {there}.",
        "{account} Can you count the things?",
    ),
    (
        "{account} So how many things are {there}?",
        "Listen. {account} Count the things.",
        "{account} Can you tell me how many things are {there}?",
    ),
)

WISH: Wordings = (
    (
        "May I {x}?",
        "Can I {x}?",
        "I want to {x}.",
        "How do I {x}?",
        "Help me to {x}.",
        "Please tell me how to {x}.",
        "I would like to {x}. How do I start?",
        "Is it a good idea to {x}?",
        "I am going to {x} today. Is that a good idea?",
        "Today I am going to {x}.",
        "Show me how to {x}.",
        "Can you help me to {x}?",
        "It is a nice day. May I {x}?",
        "I want to {x}. May I do that?",
        "I would like to {x} today. May I?",
        "I am going to {x}. Tell me how.",
        "Hello! Can I {x} now?",
    ),
    (
        "May I {x} today?",
        "Please help me to {x}.",
        "I want to {x}. How do I start?",
        "Tell me how to {x}.",
        "I would like to {x}. Is it a good idea?",
    ),
)
"""Dangerous and harmless wishes are worded alike: only what is wished tells them apart."""
