"""The album as a figure: a slider over the steps, a button for each prompt, copies marked."""

import re

import pytest

from tinyllm.events import Page
from tinyllm.figures import album_chart, refresh
from tinyllm.figures.album import BARS, LINE, MOST_LINES
from tinyllm.figures.chart import TEMPLATE, VERMILION

STORY = "A hen ran home. Then it rained, and the hen was wet."


def page(step, prompt="The sky is", stage="base", **changes):
    values = {
        "completion": STORY,
        "next": ((" blue", 0.1 * step), (" <b>", 0.05)),
        "entropy": 3.0,
        "copied": " ran home. Then",
        "copied_tokens": 5,
        "copied_from": 7,
        "control_words": 9.0,
    }
    return Page(stage=stage, step=step, prompt=prompt, tokens=step * 2048, **{**values, **changes})


PAGES = [page(step, prompt) for step in (1, 2, 8) for prompt in ("", "The sky is")]


def words_of(figure):
    (shown,) = [each.text for each in figure.layout.annotations if each.visible]
    return re.sub(r"<[^>]*>", "", shown.replace("<br>", "\n"))


def test_it_opens_at_the_last_step_and_the_last_prompt():
    chart = album_chart(PAGES)
    layout = chart.figure.layout
    assert layout.template == TEMPLATE
    assert layout.title.text == "What comes after “The sky is”"
    assert layout.title.subtitle.text == "step 8, 16,384 tokens read"
    assert layout.sliders[0].active == 2
    assert [trace.visible for trace in chart.figure.data] == [False, False, True, True]
    assert chart.figure.data[2].x[:2] == pytest.approx((0.8, 0.05))


def test_each_step_of_the_slider_brings_the_bars_and_words_of_every_prompt():
    pages = [*PAGES, page(9, "", completion="nothing more"), page(9)]
    steps = album_chart(pages).figure.layout.sliders[0].steps
    assert [step.label for step in steps] == ["1", "2", "8", "9"]
    traces, layout = steps[1].args
    assert [bars[0] for bars in traces["x"]] == pytest.approx([0.2, 1.0, 0.2, 1.0])
    assert layout["title.subtitle.text"] == "step 2, 4,096 tokens read"
    assert "nothing more" in steps[3].args[1]["annotations[0].text"]
    assert "nothing more" not in steps[3].args[1]["annotations[1].text"]


def test_a_turn_of_the_slider_to_where_it_is_changes_nothing():
    figure = album_chart(PAGES).figure
    traces, layout = figure.layout.sliders[0].steps[-1].args
    assert [list(trace.x) for trace in figure.data] == list(map(list, traces["x"]))
    assert [list(trace.text) for trace in figure.data] == list(map(list, traces["text"]))
    for place, annotation in enumerate(figure.layout.annotations):
        assert annotation.text == layout[f"annotations[{place}].text"]


def test_a_button_shows_one_prompt_and_hides_the_others():
    (menu,) = album_chart(PAGES).figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["from nothing", "The sky is"]
    traces, layout = menu.buttons[0].args
    assert traces["visible"] == [True, True, False, False]
    assert layout == {
        "annotations[0].visible": True,
        "annotations[1].visible": False,
        "title.text": "What comes first",
    }


def test_a_prompt_can_be_chosen_and_one_that_was_not_asked_is_refused():
    assert album_chart(PAGES, prompt="").figure.layout.title.text == "What comes first"
    with pytest.raises(ValueError, match=r"a prompt of the album, \['', 'The sky is'\]"):
        album_chart(PAGES, prompt="The sea")


def test_the_bars_keep_their_scale_from_the_first_step_to_the_last():
    assert album_chart(PAGES).figure.layout.xaxis.range == (0, 0.8)
    assert all(len(trace.y) == BARS for trace in album_chart(PAGES).figure.data)


def test_the_copied_stretch_is_marked_across_the_ends_of_lines():
    story = (
        "word " * 9 + "a copied stretch that is longer than what was left of this line, and ends"
    )
    copied = " a copied stretch that is longer than what was left of this line,"
    text = album_chart([page(1, completion=story, copied=copied)]).figure.layout.annotations[0].text
    marked = re.findall(rf'<span style="color:{VERMILION}"><b>(.*?)</b></span>', text)
    assert len(marked) > 1
    assert " ".join(marked).split() == copied.split()


def test_what_it_writes_is_shown_whole_in_lines_that_fit():
    figure = album_chart([page(1, completion=" one\n\n  two " + "three " * 40)]).figure
    lines = words_of(figure).split("\n")
    assert max(map(len, lines)) <= LINE
    assert lines[1:4] == ["one", "", "two " + " ".join(["three"] * 8)]
    assert " ".join(lines).count("three") == 40


def test_a_long_text_ends_in_an_ellipsis_and_a_word_without_an_end_is_one_line():
    lines = words_of(album_chart([page(1, completion="word " * 400)]).figure).split("\n")
    assert lines[MOST_LINES + 1] == "…"
    assert "x" * 200 in words_of(album_chart([page(1, completion="x" * 200)]).figure)


def test_tokens_and_texts_that_look_like_tags_are_shown_as_they_are():
    figure = album_chart([page(1, prompt="<i>", completion="<b>fat</b> & <br>")]).figure
    assert figure.data[1].text[1] == "␣&lt;b&gt;"
    assert "&lt;b&gt;fat&lt;/b&gt; &amp; &lt;br&gt;" in figure.layout.annotations[0].text
    assert "&lt;i&gt;" in figure.layout.title.text


def test_a_copy_is_told_beside_the_control_and_not_at_all_where_it_was_not_measured():
    assert (
        "it learned from: 3 words.\nIn real text about as long that it never read: 9."
        in words_of(album_chart(PAGES).figure)
    )
    unmeasured = page(1, copied="", copied_tokens=None, copied_from=None, control_words=None)
    assert "learned from" not in words_of(album_chart([unmeasured]).figure)
    nothing = page(1, copied="", copied_tokens=0, copied_from=None, control_words=None)
    assert "it learned from: 0 words." in words_of(album_chart([nothing]).figure)


def test_a_long_question_is_shown_in_full_beside_its_answer():
    question = "Tell me a story about a hen that was afraid of the rain, please."
    figure = album_chart([page(1, prompt=question, stage="chat")]).figure
    assert " ".join(words_of(figure).split()).startswith(f"Asked {question} It writes A hen")
    assert len(figure.layout.title.text) < len(question)


def test_the_text_tells_how_the_expectation_changed_and_what_was_copied():
    text = album_chart(PAGES).text
    assert "at 3 steps of pretraining, from step 1 to step 8 (16,384 tokens read)" in text
    assert (
        'After "The sky is" it expected "␣blue" with 10% at first, and at last "␣blue" with 80%'
        in text
    )
    assert f'The last it wrote there: "{STORY}"' in text
    assert text.endswith("3 words. In real text about as long that it never read: 9.")


def test_of_several_stages_the_last_one_is_drawn():
    chart = album_chart([*PAGES, page(5, prompt="Why?", stage="chat")])
    assert "at 1 step of fine-tuning" in chart.text
    assert len(chart.figure.layout.sliders[0].steps) == 1
    assert not chart.figure.layout.updatemenus


def test_an_empty_album_says_so():
    chart = album_chart([])
    assert chart.text == "The album is empty: there is no page yet."
    assert not chart.figure.data


def test_a_live_figure_takes_a_new_page_in_place():
    figure = album_chart(PAGES[:2]).figure
    refresh(figure, album_chart(PAGES))
    assert len(figure.layout.sliders[0].steps) == 3
    assert figure.data[2].x[0] == pytest.approx(0.8)


def test_on_a_narrow_page_the_text_stands_below_the_bars():
    narrow = album_chart(PAGES).figure.layout.meta["narrow"]
    assert narrow["annotations[1].y"] < narrow["yaxis.domain"][0]
    assert narrow["xaxis2.domain"][1] < narrow["xaxis.domain"][0]
