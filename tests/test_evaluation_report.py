"""The dictionaries of `tinyllm evaluate --json` hold what the contract promises."""

import json
import random

import pytest
from evaluation_fakes import FEW, small_model

from tinyllm.corpus import build_corpus
from tinyllm.evaluation import (
    FULL,
    QUICK,
    Report,
    evaluate_aligned,
    evaluate_base,
    evaluate_chat,
    rows_of,
    rulers_of,
)
from tinyllm.evaluation.facts import next_words
from tinyllm.evaluation.report import _checks_of
from tinyllm.events import Progress
from tinyllm.files import write_manifest
from tinyllm.tokens import Tokenizer, build_tokenizer
from tinyllm.village import CHECKS

INTERVAL = {"value", "low", "high", "n"}


def run_line(folder, source, characters):
    corpus, tokens = folder / "corpus", folder / "tokenizer"
    for _ in build_corpus(corpus, (source,), characters=characters, validation_documents=20):
        pass
    for _ in build_tokenizer(corpus, tokens, vocab_size=700):
        pass
    return corpus, tokens, Tokenizer.load(tokens)


@pytest.fixture(scope="module", name="village")
def village_(tmp_path_factory):
    return run_line(tmp_path_factory.mktemp("village"), "village", 150_000)


@pytest.fixture(scope="module", name="letters")
def letters_(tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmno", k=rng.randint(2, 7))) for _ in range(80)]
    text = "\n".join(" ".join(rng.choices(words, k=12)) + "." for _ in range(600))
    (folder / "letters.txt").write_text(text, encoding="utf-8")
    return run_line(folder, str(folder / "letters.txt"), 1)


def model_for(tokenizer, seed=0):
    # Wide enough in context for every prompt of the village, and nothing has been learned.
    return small_model(256, seed=seed, vocab_size=tokenizer.vocab_size)


def report_of(events):
    events = list(events)
    assert all(isinstance(event, Progress) for event in events[:-1])
    assert len(events) > 1
    assert isinstance(events[-1], Report)
    return events[-1]


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


@pytest.fixture(scope="module", name="aligned")
def aligned_(village):
    corpus, _, tokenizer = village
    return report_of(
        evaluate_aligned(
            model_for(tokenizer, 1), model_for(tokenizer, 2), tokenizer, corpus=corpus, amounts=FEW
        )
    )


def test_a_base_report_holds_loss_floor_consistency_and_rulers(village):
    corpus, tokens, tokenizer = village
    report = report_of(
        evaluate_base(model_for(tokenizer), tokenizer, corpus=corpus, tokens=tokens, amounts=FEW)
    )
    values = report.values
    assert values["stage"] == report.stage == "base"
    assert 0 < values["floor_bits_per_byte"] < values["bits_per_byte"]
    assert set(values["consistency"]) == set(CHECKS)
    assert set(values["baselines"]["5-gram"]) == set(CHECKS)
    assert all(set(cell) == INTERVAL for cell in values["consistency"].values())
    assert values["floor_loss"] < values["baselines"]["bigram"] < values["baselines"]["unigram"]
    assert values["baselines"]["unigram"] < values["baselines"]["uniform"]
    assert values["facts"]["top_three"]["n"] == 40
    assert [word for word, _ in values["facts"]["the_sky_is"]] == [
        word for word, _ in next_words(model_for(tokenizer), tokenizer, "The sky is")
    ]


def test_the_checks_of_a_corpus_know_who_has_moved_in(tmp_path):
    text = "Mina had a red kite. Mina gave the red kite to Tom. Tom gave the red kite to Mina. {}"
    end = "Now Mina had the red kite."
    for sentences, verdict in ((["Mina keeps bees."], True), ([], None)):
        write_manifest(tmp_path, kind="corpus", villagers=sentences)
        assert _checks_of(tmp_path)(text.format(end))["who_has"] is verdict


def test_an_aligned_report_adds_grades_win_rate_and_kl(aligned):
    values = aligned.values
    for group in ("helpful", "truthful", "safe"):
        assert set(values[group]) == {"seen", "new"}
        assert all(set(cell) == INTERVAL and cell["n"] == 4 for cell in values[group].values())
    assert set(values["win_rate"]) == set(values["kl"]) == INTERVAL
    assert values["win_rate"]["n"] == 8
    assert values["kl"]["n"] == 5
    assert values["kl"]["value"] > 0
    assert len(values["kinds"]) == 8


def test_the_transcripts_hold_every_graded_answer_and_every_duel(aligned):
    kinds = [transcript["what"] for transcript in aligned.transcripts]
    assert kinds.count("answer") == 3 * 2 * 4
    assert kinds.count("duel") == 8
    answer = next(t for t in aligned.transcripts if t["what"] == "answer")
    assert {"prompt", "completion", "passed", "reason", "kind", "split"} <= set(answer)


def test_a_report_is_plain_json_without_nan(aligned):
    again = json.loads(json.dumps(aligned.values, allow_nan=False))
    assert again == aligned.values
    json.dumps([dict(one) for one in aligned.transcripts], allow_nan=False)


def test_a_chat_report_is_an_aligned_one_without_the_comparison(village, aligned):
    corpus, _, tokenizer = village
    report = report_of(
        evaluate_chat(model_for(tokenizer, 1), tokenizer, corpus=corpus, amounts=FEW)
    )
    added = set(aligned.values) - set(report.values)
    assert added == {"win_rate", "kl", "habits"}
    assert report.values["helpful"] == aligned.values["helpful"]


def test_measuring_twice_gives_the_same_figures(village, aligned):
    corpus, _, tokenizer = village
    again = report_of(
        evaluate_aligned(
            model_for(tokenizer, 1), model_for(tokenizer, 2), tokenizer, corpus=corpus, amounts=FEW
        )
    )
    assert again.values == aligned.values


def test_every_row_of_the_table_has_words_and_a_figure(aligned):
    rows = rows_of(aligned.values)
    assert len(rows) > 12
    assert all(row.label and row.value for row in rows)
    assert any("n = 4" in row.interval for row in rows)


def test_other_peoples_text_has_known_words_and_no_floor(letters):
    corpus, tokens, tokenizer = letters
    report = report_of(
        evaluate_base(model_for(tokenizer), tokenizer, corpus=corpus, tokens=tokens, amounts=FEW)
    )
    assert set(report.values["words"]) == INTERVAL
    assert {"floor_bits_per_byte", "consistency", "facts"}.isdisjoint(report.values)
    assert report.values["baselines"]["bigram"] > 0
    assert rows_of(report.values)[-1].label == "base: words that the training text knows"


def test_the_rulers_of_a_run_need_no_model(village, letters):
    corpus, tokens, tokenizer = village
    rulers = rulers_of(corpus, tokens, tokenizer.vocab_size)
    assert list(rulers) == ["uniform", "unigram", "bigram", "floor"]
    assert sorted(rulers.values(), reverse=True) == list(rulers.values())
    corpus, tokens, tokenizer = letters
    assert "floor" not in rulers_of(corpus, tokens, tokenizer.vocab_size)


def test_the_full_evaluation_asks_for_what_the_contract_promises():
    assert FULL.cell >= 300
    assert FULL.stories >= 300
    assert FULL.prompts >= 300
    assert FULL.samples == 4
    assert FULL.kl_sequences >= 256
    assert FULL.texts == 20
    assert QUICK.cell < FULL.cell
