"""The filters: each rule gives its reason, and odd but good texts pass."""

from itertools import islice

import pytest

from tinyllm.corpus import Document, Ledger
from tinyllm.corpus.decontaminating import Overlap, evaluation_overlap
from tinyllm.corpus.extracting import main_text
from tinyllm.corpus.filters_c4 import C4, clean_c4
from tinyllm.corpus.filters_fineweb import judge_fineweb
from tinyllm.corpus.filters_gopher import GopherQuality, judge_quality, judge_repetition
from tinyllm.corpus.filters_language import judge_language
from tinyllm.corpus.filters_spam import judge_placeholder, judge_shouting, judge_spam
from tinyllm.corpus.pipeline import JUDGED, KIND_C4, SHORT_PAGES, STEPS, scopes
from tinyllm.corpus.words import count_sentences, split_words
from tinyllm.files import UsageError
from tinyllm.village import instructions

FEW = GopherQuality(least_words=3)
GOOSE = "The goose that lives with the baker came to the pond and would not have the bread. "
CLOCK = "Nobody knew of the clock that stopped, and so the whole village was late together. "


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Honk.", "too few words"),
        ("a b of to I a b a to of", "words are too short"),
        ("honkhonkhonkhonk quackquackquack of the", None),
        ("honkhonkhonkhonk quackquackquack flapflapflapflap", "words are too long"),
        ("# the # goose # and # the # pond", "too many hash signs"),
        ("the goose... and the pond... and the baker...", "too many ellipses"),
        ("- the bread\n- the pond\n- and the goose", "nearly all lines are bullets"),
        (f"{GOOSE}\n{CLOCK} and then...", "too many lines end in an ellipsis"),
        ("the 1234 and 5678 and 1066 1492 1789 1848", "too many words without a letter"),
        ("Honk said another goose loudly yesterday", "hardly a common English word"),
        (GOOSE, None),
    ],
)
def test_gopher_says_why_a_text_is_none(text: str, reason: str | None) -> None:
    assert judge_quality(text, FEW) == reason


def test_the_number_of_words_is_the_paper_s_unless_it_is_said_otherwise() -> None:
    assert judge_quality(GOOSE * 2) == "too few words"
    assert judge_quality(GOOSE * 4) is None
    assert judge_quality(GOOSE * 2, SHORT_PAGES) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Honk.\n\n" * 4, "repeated paragraphs"),
        ("Honk.\n" * 4, "repeated lines"),
        ("honk honk honk honk honk", "one run of 2 words again and again"),
        (f"{GOOSE} It and I {CLOCK} So did I {GOOSE}", "repeated runs of 5 words"),
        (GOOSE + CLOCK, None),
    ],
)
def test_gopher_says_what_is_repeated(text: str, reason: str | None) -> None:
    assert judge_repetition(text) == reason


@pytest.mark.parametrize(
    ("text", "left", "reason"),
    [
        ("Lorem ipsum dolor sit amet.", None, "filler text (lorem ipsum)"),
        ("A goose is an { in a pond.", None, "curly brackets: a program, or parts of one"),
        ("The goose honks.", None, "too few sentences"),
        ("The goose honks. It does. " * 3 + "\nMenu", "The goose honks. It does. " * 3, None),
        (
            "One. Two. Three. Four. Five.\nPlease turn on JavaScript.",
            "One. Two. Three. Four. Five.",
            None,
        ),
        (
            "One. Two. Three. Four. Five.\nOur site uses cookies.",
            "One. Two. Three. Four. Five.",
            None,
        ),
    ],
)
def test_c4_takes_lines_out_and_drops_pages(
    text: str, left: str | None, reason: str | None
) -> None:
    cleaned, why = clean_c4(text)
    assert why == reason
    assert left is None or cleaned == left.strip()


def test_a_paragraph_about_cookies_stays_where_a_banner_goes() -> None:
    about = (
        "A page may use cookies to know you again. The baker uses flour, sugar and butter, and her "
        "cookies know nobody. Both crumble when nobody looks after them, says the baker."
    )
    banner = "This site uses cookies. Accept all?"
    assert clean_c4(f"{about}\n{banner}", KIND_C4) == (about, None)
    assert "cookies to know" not in clean_c4(f"{about}\n{banner}", C4(least_sentences=0))[0]


def test_fineweb_knows_a_menu_from_a_talk() -> None:
    assert judge_fineweb("Home\nNews\nShop\nLog out") == "hardly a line ends like a sentence"
    menu = "\n".join(f"Entry {n}" for n in range(8)) + f"\n{GOOSE.strip()}" * 2
    assert judge_fineweb(menu) == "most lines are short, as in a menu"
    song = "\n".join(["The goose went honk, honk, honk.", "Nobody knows where it went."] * 4)
    assert judge_fineweb(song) == "repeated lines"
    assert judge_fineweb(
        "Seen the goose?\nWhich goose?\nThe red one.\nIt is a hat and no goose at all."
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Der Hund schläft unter dem Tisch und träumt von der Katze. " * 3, "de"),
        ("Le matin, la boulangère va au marché avec son petit chien. " * 3, "fr"),
    ],
)
def test_a_page_in_german_or_french_is_dropped_as_foreign(text: str, code: str) -> None:
    assert judge_language(text) == (f"foreign: {code}", code)


def test_a_few_foreign_words_or_a_few_words_at_all_are_not_foreign() -> None:
    assert judge_language(f'{GOOSE} "Guten Tag, Frau Gans," said the mayor. {CLOCK}')[0] is None
    assert judge_language("Guten Tag, Frau Gans.") == (None, None)


def test_spam_is_known_by_how_thick_its_phrases_stand() -> None:
    spam = "Buy cheap geese online! Free shipping, best price, money back guaranteed. Order now!"
    assert judge_spam(spam) == "spam: the phrases of advertisements"
    assert (
        judge_spam("Tom sells cheap bread at the market. It is free on Sundays, and he is poor.")
        is None
    )
    assert judge_spam(spam + (GOOSE + CLOCK) * 8) is None


def test_shouting_and_placeholders_have_reasons_of_their_own() -> None:
    assert judge_shouting("THE GOOSE IS LATE.") == "shouting: most letters are capitals"
    assert judge_shouting("Late! Again! And wet! And loud! And here! No!") == (
        "shouting: exclamation marks"
    )
    assert judge_shouting("It is late! Nobody minds.") is None
    assert judge_placeholder("Page not found. Try another goose.")
    assert judge_placeholder("The goose was not at home.") is None


def test_words_and_sentences_are_counted_as_tokenizers_do() -> None:
    assert split_words("Don't (it's 3.11): e.g. U.S. well-known") == (
        *("Do", "n't", "(", "it", "'s", "3.11", "):", "e.g.", "U.S.", "well", "-", "known"),
    )
    assert split_words("┌──┐ 5% of ~3 and/or c. a% (1$)") == (
        *("┌", "─", "─", "┐", "5", "%", "of", "~3", "and/or", "c.", "a%", "(", "1", "$", ")"),
    )
    assert [count_sentences(t) for t in ("Honk.", "Honk! Honk? No", 'He said "No." Then', "")] == [
        *(1, 3, 2, 0),
    ]


def test_layout_tables_lists_and_headings_keep_their_lines() -> None:
    body = (
        f"<h1>Geese</h1><p>{GOOSE}</p><ul><li>One goose.</li><li>Two geese.</li></ul><p>{CLOCK}</p>"
    )
    wanted = f"Geese\n{GOOSE.strip()}\nOne goose.\nTwo geese.\n{CLOCK.strip()}"
    for page in (f"<table><tr><td>{body}</td></tr></table>", body, f"<article>{body}</article>"):
        assert main_text(f"<html><body>{page}</body></html>") == wanted


def test_parts_that_are_called_adverts_go_unless_they_hold_the_page() -> None:
    advert = '<div class="sponsored-box"><p>Half a goose for the price of two.</p></div>'
    trail = '<p class="x"><a href="#">Home</a> &raquo; <a href="#">Geese</a></p>'
    page = (
        f"<html><body>{trail}<article><p>{GOOSE}</p><p>{CLOCK}</p></article>{advert}</body></html>"
    )
    assert main_text(page) == f"{GOOSE.strip()}\n{CLOCK.strip()}"
    whole = f'<html><body><div class="banner"><p>{GOOSE}</p><p>{CLOCK}</p></div></body></html>'
    assert main_text(whole) == f"{GOOSE.strip()}\n{CLOCK.strip()}"


def test_a_page_of_links_has_no_text() -> None:
    links = "".join(f'<li><a href="/{n}">cheap geese {n}</a></li>' for n in range(30))
    assert main_text(f"<html><body><p>Our partners:</p><ul>{links}</ul></body></html>") is None


def test_prompts_of_the_evaluation_are_found_inside_a_text_and_common_words_are_not() -> None:
    overlap = Overlap(["What does the goose of the baker eat on Mondays?", "The sky is"])
    assert overlap.of("She asked: what does the goose of the baker eat on mondays, and why?")
    assert not overlap.of("The sky is blue. What does the goose of the miller eat on Mondays?")
    for split in ("seen", "new"):
        long = next(
            one.prompt
            for one in islice(instructions(split=split, seed=0), 200)
            if len(one.prompt.split()) >= 8
        )
        assert evaluation_overlap().of(f"Somebody wrote this down: {long} Then they went home.")


def test_own_text_files_are_not_judged_as_pages_are() -> None:
    judged = scopes(kinds={"letters": "folder", "computer": "this_computer"})
    own = Document(text="", id="a", metadata={"source": "letters", "format": "text"})
    page = Document(text="", id="b", metadata={"source": "letters", "format": "html"})
    found = Document(text="", id="c", metadata={"source": "computer", "format": "text"})
    assert {name for name, scope in judged.items() if scope(own)} == {
        *("repair", "clean", "deduplicate"),
    }
    assert all(scope(page) for scope in judged.values())
    assert judged["near copies"](found)
    assert not judged["quality"](found)
    assert set(JUDGED) == {name for name, _, _ in STEPS}


def test_each_filter_can_be_turned_on_for_all_texts_and_off() -> None:
    own = Document(text="Honk.", id="a", metadata={"format": "text"})
    step = {name: step for name, _, step in STEPS}["quality"]
    for on, kept in ((True, 0), (False, 1)):
        ledger = Ledger("quality", "", judges=scopes({"quality": on})["quality"])
        assert len(list(step(iter([own]), ledger))) == kept
    with pytest.raises(UsageError, match=r"no filter 'honesty'.*language, quality"):
        scopes({"honesty": True})
    with pytest.raises(UsageError, match="no filter 'clean'"):
        scopes({"clean": False})
