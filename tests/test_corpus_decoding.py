"""Bytes become text, whatever the encoding."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyllm.corpus.cutting import cut
from tinyllm.corpus.decoding import detect_encoding, read_pieces

SENTENCES = {
    "english": "He said “the café is closed” – and that’s it. We went home. ",
    "german": "Die Mühle über dem Fluß gehört dem Müller, und große Bäume wachsen überall. ",
    "french": "Le café était déjà fermé à cette heure, et la pâtissière rêvait de crêpes. ",
    "spanish": "El niño comió una manzana mañana en la montaña. ",
    "portuguese": "A avó não quis pão nem maçã; à noite, os irmãos contam histórias às crianças. ",
    "hungarian": "Az öreg nő kenyeret süt, és őszintén örül a hűvös őszi időnek. ",
    "czech": "Příliš žluťoučký kůň úpěl ďábelské ódy. Dědeček šel domů přes náměstí. ",
    "turkish": "Küçük kız ormana gitti ve şaşkın bir ayıyla karşılaştı; çok güzel bir gündü. ",
    "polish": "Zażółć gęślą jaźń. Dziewczynka poszła do lasu i spotkała niedźwiedzia. ",
    "russian": "Однажды маленькая девочка пошла в лес. Она встретила медведя, и они дружили. ",
    "greek": "Μια φορά κι έναν καιρό ήταν ένα μικρό κορίτσι. ",
    "hebrew": "היה היתה ילדה קטנה שגרה בכפר קטן והיא הלכה ליער. ",
    "japanese": "昔々、あるところにおじいさんとおばあさんがいました。",
    "chinese": "从前有一个小女孩，她住在一个小村庄里。",
    "korean": "옛날 옛적에 작은 소녀가 마을에 살았습니다. 그녀는 곰을 만났습니다. ",
}
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
OLDER = [
    ("english", "cp1252"), ("german", "latin-1"), ("french", "latin-1"), ("spanish", "latin-1"),
    ("portuguese", "latin-1"), ("hungarian", "cp1250"), ("czech", "cp1250"), ("turkish", "cp1254"),
    ("polish", "cp1250"), ("russian", "cp1251"), ("russian", "koi8-r"), ("greek", "cp1253"),
    ("hebrew", "cp1255"), ("japanese", "shift_jis"), ("japanese", "euc_jp"), ("chinese", "gbk"),
    ("korean", "cp949"),
]  # fmt: skip


def read(path: Path, data: bytes, *, html: bool = False) -> str:
    path.write_bytes(data)
    encoding = detect_encoding(path, html=html)
    assert encoding is not None
    return "".join(read_pieces(path, encoding))


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("language", SENTENCES)
def test_unicode_is_read_with_and_without_a_mark(
    tmp_path: Path, language: str, encoding: str
) -> None:
    text = (SENTENCES[language] * 3 + "\n") * 5
    assert read(tmp_path / "a.txt", text.encode(encoding)) == text


@pytest.mark.parametrize(("language", "encoding"), OLDER)
def test_older_encodings_are_told_apart(tmp_path: Path, language: str, encoding: str) -> None:
    text = (SENTENCES[language] * 3 + "\n") * 5
    assert read(tmp_path / "a.txt", text.encode(encoding)) == text


@pytest.mark.parametrize("language", ["german", "french", "spanish", "portuguese"])
def test_one_latin_1_sentence_is_enough(tmp_path: Path, language: str) -> None:
    text = SENTENCES[language]
    assert read(tmp_path / "a.txt", text.encode("latin-1")) == text


def test_one_accent_late_in_a_long_file_is_found(tmp_path: Path) -> None:
    text = "The village has a baker.\n" * 20_000 + "It is a café.\n"
    assert read(tmp_path / "a.txt", text.encode("latin-1")) == text


@pytest.mark.parametrize(("language", "encoding"), [("japanese", "shift_jis"), ("korean", "cp949")])
def test_a_character_cut_between_two_blocks_misleads_nobody(
    tmp_path: Path, language: str, encoding: str
) -> None:
    text = "a" + (SENTENCES[language] + "\n") * 3_000
    assert read(tmp_path / "a.txt", text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data", [b"\x81 a", b"a\n\xe9", b"\xe9\n", b"\xe9", b"a\n\x81\x8d\x8f\x90\x9d"]
)
def test_a_few_bytes_are_always_read_somehow(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path / "a.txt", data)


def test_utf8_with_a_broken_byte_stays_utf8(tmp_path: Path) -> None:
    good = "Grüße aus dem Dorf, schöne Bäume. ".encode() * 20
    assert read(tmp_path / "a.txt", good + b"\xff end \xc3") == good.decode() + "\ufffd end \ufffd"


def test_a_few_zero_bytes_are_control_characters_and_not_utf16(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", b"con\0trol " * 5 + b"plain text " * 20).startswith("con\0trol")


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0" + bytes(range(256)) * 8,
        b"\xff\xd8\xff\xe0\x10JFIF" + bytes(range(1, 256)) * 8,
        bytes(1000),
    ],
)
def test_binary_data_is_no_text(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert detect_encoding(path) is None


def test_a_page_is_read_in_the_encoding_it_declares(tmp_path: Path) -> None:
    page = '<html><meta charset="iso-8859-2"><p>Łódź</p></html>'
    assert read(tmp_path / "a.html", page.encode("iso-8859-2"), html=True) == page


def test_a_page_that_declares_nonsense_is_guessed(tmp_path: Path) -> None:
    page = '<html><meta charset="martian"><p>' + SENTENCES["german"] + "</p></html>"
    assert read(tmp_path / "a.html", page.encode("latin-1"), html=True) == page


def test_line_ends_of_all_systems_are_one(tmp_path: Path) -> None:
    assert read(tmp_path / "a.txt", b"one\r\ntwo\rthree\n") == "one\ntwo\nthree\n"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet="ab \n", max_size=50), max_size=30), st.integers(4, 40))
@example(["aa", "\n" * 50], 4)
def test_cutting_loses_nothing_and_keeps_to_the_length(pieces: list[str], about: int) -> None:
    documents = list(cut(pieces, about=about))
    assert "".join(documents) == "".join(pieces)
    assert all(len(document) <= 1.75 * about + 1 for document in documents)


def test_documents_end_at_empty_lines_or_line_ends() -> None:
    line = "word " * 19 + "end\n"
    paragraphs = list(cut([line * 3, "\n"] * 20, about=1_000))
    assert all(document.endswith("\n\n") for document in paragraphs)
    assert all(document.endswith("end\n") for document in cut([line] * 100, about=1_000))


def test_a_text_in_one_line_is_cut_between_words() -> None:
    documents = list(cut(["word " * 4_000], about=1_000))
    assert len(documents) > 10
    assert all(document.endswith("word ") for document in documents)
