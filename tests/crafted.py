"""Files made for tests: a PDF, a Word file, a book, whole or spoilt in one way."""

import zipfile
from pathlib import Path


def pdf_bytes(*streams: bytes, extra: bytes = b"") -> bytes:
    """A PDF with one page for each content stream (operators, not text)."""
    count = len(streams)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % count,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, stream in enumerate(streams):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number),
            b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), extra, stream),
        ]
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(data))
    )


def text_page(*lines: str) -> bytes:
    """The content stream of a PDF page with these lines."""
    shown = b" ".join(b"(%s) Tj 0 -14 Td" % line.encode("ascii") for line in lines)
    return b"BT /F1 12 Tf 72 720 Td %s ET" % shown


def write_zip(path: Path, **parts: str | bytes) -> Path:
    """A ZIP archive; in the names of parts, `__` stands for / and `_` for a dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return path


def docx_xml(body: str, *, head: str = "") -> str:
    """The main part of a Word file."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
    return f'<?xml version="1.0"?>{head}{document}'


def write_docx(path: Path, body: str, *, head: str = "") -> Path:
    """A Word file with this body."""
    return write_zip(path, word__document_xml=docx_xml(body, head=head))


def paragraph(text: str) -> str:
    """A paragraph of a Word file."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'


def write_epub(path: Path, *chapters: str | bytes, **more: str) -> Path:
    """A book with these pages of XHTML, and other parts."""
    numbers = range(len(chapters))
    items = "".join(f'<item id="c{n}" href="chapter%20{n}.xhtml"/>' for n in numbers)
    spine = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    package = f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>"
    with zipfile.ZipFile(write_zip(path, **more), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OPS/book.opf", package)
        for number, chapter in enumerate(chapters):
            archive.writestr(f"OPS/chapter {number}.xhtml", chapter)
    return path
