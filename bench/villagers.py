"""Does a model know who has moved in? Ten villagers, three questions about each.

    python bench/villagers.py --train [--run moved-in] [--minutes 5]   # first a run with all ten
    python bench/villagers.py --run moved-in --without default [--json]

The chat model of each run is asked "Who is Mina?" and two questions more. An answer is right if it
makes the right claim about what was asked and no other; anything that is true of somebody tells who
they are. The control is a run in which nobody has moved in.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import tinyllm
from tinyllm.evaluation.intervals import wilson
from tinyllm.model import generate
from tinyllm.runs import Run
from tinyllm.village import read_villagers
from tinyllm.village.grading_text import plain, sentences
from tinyllm.village.grading_truths import claimed
from tinyllm.village.world import Fact

VILLAGERS = (
    "Mina keeps bees, likes plums and is afraid of geese.",
    "Oskar keeps goats, likes walnuts and wants to be a sailor.",
    "Zora keeps rabbits, is afraid of thunder and lives beside the mill.",
    "Anselm keeps pigeons, likes pea soup and is afraid of spiders.",
    "Adele keeps ducks, wants to be a baker and likes honey.",
    "Viktor keeps snails, likes radishes and is afraid of owls.",
    "Wanda keeps ponies, is afraid of mice and wants to be a painter.",
    "Igor keeps beetles, likes cherries and lives beside the tower.",
    "Selma keeps turtles, likes pancakes and is afraid of bats.",
    "Rufus keeps sheep, wants to be a clockmaker and is afraid of dogs.",
)
TOKENS = 40


def right(facts: Sequence[Fact], answer: str) -> bool:
    """Whether every sentence of the answer makes the right claim about one of these facts."""
    said = sentences(answer)
    return bool(said) and all(
        any(claimed(fact, sentence) == plain(fact.answer) for fact in facts) for sentence in said
    )


def asked() -> list[tuple[str, tuple[Fact, ...]]]:
    """Three questions about each of the ten, with the facts that answer them."""
    rows: list[tuple[str, tuple[Fact, ...]]] = []
    for villager in read_villagers(VILLAGERS):
        rows.append((f"Who is {villager.name}?", villager.facts))
        rows.extend((fact.questions[0], (fact,)) for fact in villager.facts[1:])
    return rows


def answers(run: str, questions: list[str]) -> list[str]:
    """What the chat model of this run says, greedily."""
    model, tokenizer = tinyllm.load(Run.named(run).chat)
    prompts = [
        tokenizer.encode_chat([{"role": "user", "content": question}], add_generation_prompt=True)
        for question in questions
    ]
    stop = {tokenizer.end, tokenizer.end_of_text}
    written = generate(
        model, prompts, max_new_tokens=TOKENS, stop=stop, temperature=0.0, pad=tokenizer.pad
    )
    return [tokenizer.decode(ids).strip() for ids in written.ids]


def measure(run: str) -> dict[str, Any]:
    """How many of the ten are known, by question, and what was said."""
    rows = asked()
    said = answers(run, [question for question, _ in rows])
    verdicts = [right(facts, answer) for (_, facts), answer in zip(rows, said, strict=True)]
    by_question = [sum(verdicts[number::3]) for number in range(3)]
    all_three = sum(all(verdicts[first : first + 3]) for first in range(0, len(verdicts), 3))
    return {
        "run": run,
        "who_is": by_question[0],
        "second_question": by_question[1],
        "third_question": by_question[2],
        "all_three_questions": all_three,
        "of": len(VILLAGERS),
        "answers_right": wilson(sum(verdicts), len(verdicts)).to_dict(),
        "answers": [
            {"question": question, "answer": answer, "right": verdict}
            for (question, _), answer, verdict in zip(rows, said, verdicts, strict=True)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true", help="train a run in which all ten move in")
    parser.add_argument("--run", default="moved-in")
    parser.add_argument("--without", help="a run in which nobody has moved in")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.train:
        moved_in = [part for sentence in VILLAGERS for part in ("--villager", sentence)]
        command = ["train", "--run", arguments.run, "--minutes", str(arguments.minutes), *moved_in]
        subprocess.run([sys.executable, "-m", "tinyllm.cli", *command], check=True)
    results = [measure(run) for run in (arguments.run, arguments.without) if run]
    if arguments.json:
        print(json.dumps(results))
        return
    for result in results:
        print(f"{result['run']}:")
        for row in result["answers"]:
            print(f"  {'right' if row['right'] else 'wrong'}  {row['question']}  {row['answer']}")
        counts = [result[name] for name in ("who_is", "second_question", "third_question")]
        print(
            f"  right of {result['of']}: {counts} by question, {result['all_three_questions']} all"
        )


if __name__ == "__main__":
    main()
