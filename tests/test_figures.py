"""Every chart draws what it was given, says it in words, and asks nobody else's computer."""

import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from tinyllm.events import STAGES, Evaluation, Merge, Step
from tinyllm.figures.card import card_charts, reasons_chart
from tinyllm.figures.chart import (
    CONFIG,
    TEMPLATE,
    Chart,
    literal,
    refresh,
    show_spaces,
    thin,
    to_html,
)
from tinyllm.figures.comparison import comparison_chart
from tinyllm.figures.corpus import corpus_chart
from tinyllm.figures.grades import before_after, consistency_bars, grade_bars, share_bars
from tinyllm.figures.inside import attention_heatmap
from tinyllm.figures.loss import loss_chart, running_mean
from tinyllm.figures.rewards import pair_accuracy_chart, rlhf_chart
from tinyllm.figures.stages import stage_chart
from tinyllm.figures.tokens import merges_chart, next_token_bars, token_lengths

CARD = {
    "steps": [
        {"step": "read", "kept": 20, "dropped": {}},
        {
            "step": "language",
            "kept": 16,
            "dropped": {"foreign: de": 3, "no language for sure": 1},
            "notes": {"languages": {"en": 17, "de": 3}},
        },
        {"step": "deduplicate", "kept": 13, "dropped": {"a copy of an earlier document": 3}},
        {"step": "near copies", "kept": 12, "dropped": {"a near copy": 1}},
    ],
    "lengths": {"256": 2, "1024": 8, "2048": 2},
}
GAP = {"value": 0.2, "low": 0.15, "high": 0.25, "n": 400}
COMPARISON = {
    "first": {"name": "all the text"},
    "second": {"name": "a tenth <of it>"},
    "runs": [
        {"name": "first-0", "side": "first", "curve": [[1, 3.0], [250, 0.7]]},
        {"name": "second-0", "side": "second", "curve": [[1, 3.0], [250, 0.9]]},
        {"name": "first-1", "side": "first", "curve": [[1, 3.1], [250, 0.71]]},
    ],
    "difference": GAP,
    "controls": [{"value": 0.01, "low": -0.01, "high": 0.03, "n": 400}],
    "sentence": "a tenth <of it> makes the model worse.",
}
RULERS = {"uniform": 7.62, "unigram": 5.41, "bigram": 2.63, "floor": 0.46}


def step(number, loss, stage="base", **metrics):
    return Step(
        stage=stage,
        step=number,
        steps=100,
        loss=loss,
        tokens=number * 8,
        seconds=number,
        eta_seconds=0.0,
        learning_rate=0.01,
        metrics=metrics,
    )


def merge(rank, count, text):
    return Merge(
        stage="tokenizer", rank=rank, left=0, right=1, new=260 + rank, count=count, text=text
    )


def cell(value):
    return {"value": value, "low": value - 0.04, "high": min(1.0, value + 0.04), "n": 300}


def charts():
    events = [step(1, 7.6), step(50, 2.0), Evaluation(stage="base", step=50, metrics={"loss": 2.1})]
    rl = [step(i, 0.0, "aligned", reward=i / 10, kl=0.1, length=30.0, finished=0.9) for i in (1, 2)]
    pairs = [step(1, 0.69, "reward", accuracy=0.5), step(2, 0.6, "reward", accuracy=0.7)]
    grades = {g: {"seen": cell(0.9), "new": cell(0.6)} for g in ("helpful", "truthful", "safe")}
    heads = np.tril(np.ones((2, 2, 4, 4))) / np.arange(1, 5)[:, None]
    tokens = ["<|endoftext|>", "The", " sky", " is"]
    return {
        "loss": loss_chart(events, RULERS),
        "pairs": pair_accuracy_chart(pairs),
        "rlhf": rlhf_chart(rl),
        "merges": merges_chart([merge(1, 900, b" t"), merge(2, 500, b"he")]),
        "lengths": token_lengths([b"", b"a", b"ab"], [1, 2, 3]),
        "next": next_token_bars([" blue", " clear"], [0.6, 0.1], prompt="The sky is"),
        "grades": grade_bars(grades, targets={("safe", "new"): 0.9}),
        "consistency": consistency_bars({"base": {"consistency": {"hero": cell(0.9)}}}),
        "before": before_after([("length", 30.0, 28.0), ("ends", "94%", "99%")]),
        "corpus": corpus_chart(
            [
                {"step": "read", "kept": 10, "dropped": {}},
                {"step": "copies", "kept": 8, "dropped": {"seen before": 2}},
            ]
        ),
        **{f"card {name}": chart for name, chart in card_charts(CARD).items()},
        "comparison": comparison_chart(COMPARISON),
        "heads": attention_heatmap(heads, tokens),
        "head": attention_heatmap(heads, tokens, layer=0, head=1),
    }


@pytest.fixture(scope="module", name="charts")
def charts_():
    return charts()


def test_every_chart_has_a_text_alternative_and_wears_the_template(charts):
    for name, chart in charts.items():
        assert isinstance(chart, Chart), name
        assert chart.text.endswith("."), name
        assert len(chart.text) > 30, name
        assert chart.figure.layout.template == TEMPLATE, name


def test_no_chart_has_an_upload_button_or_a_trace_newer_than_plotly_js_3_3(charts):
    for chart in charts.values():
        assert chart.config["showSendToCloud"] is False
        assert {t.type for t in chart.figure.data} <= {"scatter", "bar", "heatmap", "table"}


def test_a_page_fetches_nothing_and_speaks_its_text(charts):
    outside_the_library = to_html(charts["grades"]).replace(get_plotlyjs(), "")
    assert len(outside_the_library) < 100_000
    assert not re.search(r"(src|href)=[\"']https?:", outside_the_library)
    assert 'role="img"' in outside_the_library
    assert "helpful: seen 90%" in outside_the_library
    assert '"showSendToCloud": false' in outside_the_library


def test_a_chart_in_a_notebook_brings_its_text_and_its_settings(charts):
    shown = charts["loss"]._repr_mimebundle_()
    assert shown["text/plain"] == charts["loss"].text
    assert shown["application/vnd.plotly.v1+json"]["config"] == dict(CONFIG)


def test_a_share_is_drawn_between_nothing_and_all(charts):
    layout = charts["rlhf"].figure.layout
    assert [axis.range for axis in (layout.yaxis, layout.yaxis4)] == [None, (0, 1.02)]


def test_a_comparison_draws_the_control_dotted_and_the_difference_with_its_ends(charts):
    first, again, second, _, gap, control = charts["comparison"].figure.data
    assert list(first.y[:-1]) == [3.0, 0.7]
    assert list(second.y[:-1]) == [3.0, 0.9]
    assert (again.y[0], again.line.dash) == (3.1, "dot")
    ends = (*gap.x, *gap.error_x.array, *gap.error_x.arrayminus)
    assert ends == pytest.approx((0.2, 0.05, 0.05))
    assert list(control.x) == [0.01]
    text = charts["comparison"].text
    assert "all the text, other seed: 0.710 at step 250." in text
    assert text.endswith("a tenth <of it> makes the model worse.")


def test_a_comparison_can_be_drawn_before_anything_is_known():
    begun = {**COMPARISON, "runs": []}
    del begun["difference"], begun["controls"], begun["sentence"]
    chart = comparison_chart(begun)
    assert "Nothing has been looked at yet" in chart.text
    refresh(chart.figure, comparison_chart(COMPARISON))
    assert chart.figure.data[2].y[1] == 0.9


def test_refresh_turns_an_empty_chart_into_a_full_one_in_place(charts):
    for empty, full in (
        (loss_chart([], RULERS), charts["loss"]),
        (rlhf_chart([]), charts["rlhf"]),
        (merges_chart([]), charts["merges"]),
        (pair_accuracy_chart([]), charts["pairs"]),
    ):
        refresh(empty.figure, full)
        for old, new in zip(empty.figure.data, full.figure.data, strict=True):
            np.testing.assert_array_equal(old.y, new.y)
        assert empty.figure.layout.title == full.figure.layout.title
        assert empty.figure.layout.xaxis.range == full.figure.layout.xaxis.range


def test_a_live_widget_is_redrawn_in_place(charts):
    pytest.importorskip("anywidget")
    widget = go.FigureWidget(loss_chart([], RULERS).figure)
    refresh(widget, charts["loss"])
    np.testing.assert_array_equal(widget.data[2].y, [2.1])
    assert widget.layout.title.text == charts["loss"].figure.layout.title.text


def test_refresh_refuses_a_figure_of_another_kind(charts):
    with pytest.raises(ValueError, match="same chart function"):
        refresh(charts["grades"].figure, charts["loss"])


def test_loss_chart_draws_each_ruler_at_its_height_and_names_it(charts):
    lines = {t.text[1]: t.y for t in charts["loss"].figure.data if t.text and len(t.text) == 2}
    assert [
        next(v for k, v in lines.items() if k.endswith(f"{r:.2f}"))[0] for r in RULERS.values()
    ] == [*RULERS.values()]


def test_loss_chart_says_among_how_many_tokens_the_model_chooses(charts):
    axis = charts["loss"].figure.layout.yaxis2
    for tick, words in zip(axis.tickvals, axis.ticktext, strict=True):
        assert math.isclose(math.exp(tick), float(words.replace(",", "")), rel_tol=1e-3)
    assert "choosing among 7.4 equally likely tokens" in loss_chart([step(1, 2.0)]).text


def test_loss_chart_leaves_out_losses_that_are_not_numbers():
    chart = loss_chart([step(1, 2.0), step(2, math.nan)])
    assert chart.text.startswith("Loss while the model learns, in nats a token, step 1 of 100")


def test_running_mean_follows_a_steep_start_and_calms_a_noisy_end():
    steep = np.exp(-np.arange(30) / 5)
    assert np.abs(running_mean(steep) - steep)[:10].max() < 1e-9
    noise = np.random.default_rng(0).normal(size=2_000)
    assert running_mean(noise)[500:].std() < 0.25


def test_thinning_keeps_the_mean():
    x, y = np.arange(5_000.0), np.random.default_rng(0).random(5_000)
    thin_x, thin_y = thin(x, y, most=500)
    assert len(thin_x) == len(thin_y) == 500
    assert math.isclose(thin_y.mean(), y.mean())


def test_the_reward_ruler_is_ln_2():
    lines = [t for t in pair_accuracy_chart([]).figure.data if t.text]
    assert [t.y[0] for t in lines] == [math.log(2), 0.5]


def test_next_token_bars_put_the_likeliest_first_and_mark_one():
    chart = next_token_bars(["a", "b", "c"], [0.1, 0.7, 0.2], marked="a")
    bar = chart.figure.data[0]
    assert list(bar.x) == [0.7, 0.2, 0.1]
    assert len(set(bar.marker.color[:2])) == 1
    assert bar.marker.color[2] != bar.marker.color[0]


def test_tokens_that_look_like_tags_are_shown_as_they_are():
    chart = next_token_bars(["<b>"], [1.0], prompt="<i>")
    assert chart.figure.layout.yaxis.ticktext == ("&lt;b&gt;",)
    assert "&lt;i&gt;" in chart.figure.layout.title.text
    assert '"<b>" 100%' in chart.text
    assert literal("a & b") == "a &amp; b"


def test_spaces_line_ends_and_lonely_bytes_are_visible():
    assert show_spaces(" a\tb\r\n") == "␣a⇥b<0d>⏎"
    assert show_spaces("é".encode()[:1]) == "<c3>"
    assert show_spaces("é".encode()) == "é"
    assert show_spaces("x" * 30, most=5) == "xxxx…"


def test_token_lengths_are_shares_that_sum_to_one():
    vocabulary, used = token_lengths([b"", b"a", b"ab", b"x" * 40], [0, 5, 5, 0]).figure.data
    assert vocabulary.x[-1] == "16+"
    assert math.isclose(sum(vocabulary.y), 1)
    assert list(used.y[:2]) == [0.5, 0.5]


def test_share_bars_draw_the_interval_and_the_target():
    chart = share_bars({"safe": {"new": cell(0.9)}}, title="t", targets={("safe", "new"): 0.95})
    bar, _, target = chart.figure.data
    assert math.isclose(bar.error_x.array[0], 0.04)
    assert math.isclose(bar.error_x.arrayminus[0], 0.04)
    assert list(target.x) == [0.95]


def test_documents_dropped_for_rare_reasons_are_counted_together():
    dropped = {f"reason {i}": 10 - i for i in range(8)}
    chart = corpus_chart([{"step": "filter", "kept": 100, "dropped": dropped}])
    assert sum(t.x[0] for t in chart.figure.data if t.type == "bar") == 100 + sum(dropped.values())
    assert len([t for t in chart.figure.data if t.type == "bar"]) == 7


def test_a_card_is_drawn_with_all_that_it_counts_and_says_it_in_words():
    drawn = card_charts(CARD)
    assert drawn["reasons"].text.startswith(
        "Why documents were dropped. Foreign: German 3, A copy of an earlier document (dedup"
    )
    assert drawn["copies"].text.endswith("New: 12 (75%), copies: 3 (19%), near copies: 1 (6%).")
    assert list(drawn["lengths"].figure.data[0].y) == [2, 0, 8, 2]
    assert drawn["languages"].text == "Languages of the pages. English 17, German 3."


def test_many_reasons_end_in_one_bar_for_the_rest():
    dropped = {f"reason {i}": 40 - i for i in range(20)}
    bar = reasons_chart([{"step": "filter", "kept": 1, "dropped": dropped}]).figure.data[0]
    assert len(bar.x) == 13
    assert sum(bar.x) == sum(dropped.values())


def test_attention_words_name_the_head_that_looks_at_the_token_before():
    heads = np.full((1, 2, 6, 6), 1 / 6)
    heads[0, 1] = np.eye(6, k=-1)
    text = attention_heatmap(heads, list("abcdef")).text
    assert "Mostly at the token before look (layer.head) 1.2." in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: next_token_bars(["a"], [0.1, 0.2]), "a probability between 0 and 1"),
        (lambda: next_token_bars(["a"], [1.2]), "a probability between 0 and 1"),
        (lambda: token_lengths([b"a"], [1, 2]), "a count for each"),
        (lambda: grade_bars({"loss": 1.0}), "evaluate a chat or an aligned model"),
        (lambda: attention_heatmap(np.ones((1, 1, 2, 2)), ["a"]), "for 1 tokens"),
        (
            lambda: attention_heatmap(np.ones((1, 1, 1, 1)), ["a"], layer=1, head=0),
            "a layer below 1",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_each_stage_has_its_chart_and_nothing_is_drawn_before_there_is_something():
    assert all(stage_chart(stage, []) is None for stage in STAGES)
    drawn = {
        "tokenizer": (merge(1, 9, b" t"), "Merges"),
        "base": (step(1, 2.0), "Loss while"),
        "chat": (step(1, 2.0, "chat"), "Loss on answers"),
        "reward": (step(1, 0.69, "reward", accuracy=0.5), "The reward model"),
        "aligned": (step(1, 0.0, "aligned", reward=0.1), "Learning from reward"),
    }
    for stage, (event, beginning) in drawn.items():
        assert stage_chart(stage, [event]).text.startswith(beginning)
    with pytest.raises(ValueError, match="expected a stage of corpus"):
        stage_chart("dessert", [])


def test_rulers_told_by_an_evaluation_are_drawn():
    told = Evaluation(stage="base", step=0, metrics={"bigram": 2.5, "uniform": 7.6})
    assert (
        "Rulers: a fresh model, ln V 7.60, bigram 2.50."
        in stage_chart("base", [step(1, 3.0), told]).text
    )
