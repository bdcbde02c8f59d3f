"""Files as people bring them: read as one table, or refused in one sentence. Never a traceback."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, timedelta

import openpyxl
import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.people.importing import table as tables
from clinic.people.importing import workbook as workbooks
from clinic.people.importing.reading import MOST_BYTES, read_table
from clinic.people.importing.table import Table, Unreadable, as_text, column_letters

KNOWN = frozenset({"first name", "last name", "email", "phone", "date of birth"})
PEOPLE = "First name;Last name;E-mail\r\nÅsa;Öst;asa@example.org\r\nJosé;d'Ávila;jose@example.org\r\n"


def read_or_refused(content: bytes) -> tuple[Table | None, list[str]]:
    """Return the table, or the sentences of the refusal; any other end is a fault."""
    try:
        return read_table(content, KNOWN), []
    except ValidationError as refused:
        return None, refused.messages


def rows(table: Table) -> list[list[str]]:
    return [[as_text(cell) for cell in line.cells] for line in table.lines]


def workbook(*sheets: list[list[object]], **named: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, cells in {**{f"Sheet{n}": sheet for n, sheet in enumerate(sheets, 1)}, **named}.items():
        sheet = book.create_sheet(title)
        for row in cells:
            sheet.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_it_reads_names_in_every_encoding(encoding):
    table = read_table(PEOPLE.encode(encoding), KNOWN)
    assert table.header == ("First name", "Last name", "E-mail")
    assert rows(table) == [["Åsa", "Öst", "asa@example.org"], ["José", "d'Ávila", "jose@example.org"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("header", ["First name,Phone", "姓名,電話"])
def test_it_reads_chinese_names_in_utf_16_without_a_byte_order_mark(encoding, header):
    table = read_table(f"{header}\n山田太郎,912\n李小龍,913\n".encode(encoding), KNOWN)
    assert rows(table) == [["山田太郎", "912"], ["李小龍", "913"]]
    assert table.remarks == ()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Иван,Петров", "cp1251"), ("Иван,Петров", "koi8-r"), ("山田,太郎", "shift-jis"), ("田中,さくら", "euc-jp"),
        ("小龍,李", "gbk"), ("小龍,李明", "big5"), ("민준,김", "euc-kr"), ("Γιώργος,Παππάς", "cp1253"),
        ("דוד,כהן", "cp1255"), ("محمد,علي", "cp1256"), ("Michał,Wąsik", "cp1250"), ("Márcia,Gonçalves", "mac-roman"),
        ("José,Muñoz", "cp850"),
    ],
)  # fmt: skip
def test_it_says_where_the_letters_may_be_misread(text, encoding):
    table = read_table(f"First name,Last name\n{text}\n".encode(encoding), KNOWN)
    assert "may have been misread" in table.remarks[0]


@pytest.mark.parametrize(
    "text",
    [
        "José,d’Ávila", "Åsa,Öst", "Müller,Weiß", "Zoë,Œuvré", "João,Conceição", "Íñigo,Muñoz", "Þór,Jónsdóttir",
        "O´Brien,“Nina” Sousa", "Rua nº 3,2ª", "Šárka,Žižka", "Noël – Zoé,£ 5…", "Núria,Gal·la",
    ],
)  # fmt: skip
def test_it_says_nothing_of_plainly_western_letters(text):
    table = read_table(f"First name,Last name\n{text}\n".encode("cp1252"), KNOWN)
    assert table.remarks == ()
    assert rows(table) == [text.split(",")]


def test_it_reads_latin_1_with_semicolons_and_a_byte_order_mark():
    table = read_table(b"\xef\xbb\xbf" + PEOPLE.replace(",", ";").encode("latin-1"), KNOWN)
    assert table.header == ("First name", "Last name", "E-mail")
    assert rows(table) == [["Åsa", "Öst", "asa@example.org"], ["José", "d'Ávila", "jose@example.org"]]


def test_it_keeps_the_last_letters_of_latin_1_after_a_byte_order_mark():
    assert rows(read_table(b"\xef\xbb\xbfFirst name,Last name\nAna,Andr\xe9", KNOWN)) == [["Ana", "André"]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_it_finds_the_separator_and_the_line_end(separator, line_end):
    lines = [["First name", "Note"], ["Ana", "a, b; c"], ["Rui", "d"]]
    text = line_end.join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    assert rows(read_table(text.encode(), KNOWN)) == [["Ana", "a, b; c"], ["Rui", "d"]]


def test_it_reads_what_excel_says_of_its_separator():
    assert rows(read_table(b"sep=|\r\nFirst name|Last name\r\nAna|Sousa\r\n", KNOWN)) == [["Ana", "Sousa"]]


def test_it_keeps_quotes_and_line_breaks_inside_a_cell():
    text = 'First name,Address\nAna,"Rua ""Nova"" 1\nLisboa"\nRui,"x"\n'
    assert rows(read_table(text.encode(), KNOWN))[0] == ["Ana", 'Rua "Nova" 1\nLisboa']


def test_it_reads_quotes_that_are_not_doubled():
    text = 'First name,Last name\n"Ana "Nina" Maria",Sousa\nRui,Gil\n'
    table = read_table(text.encode(), KNOWN)
    assert rows(table)[1] == ["Rui", "Gil"]
    assert rows(table)[0][1] == "Sousa"


def test_it_counts_rows_as_a_spreadsheet_does():
    table = read_table(b'First name,Last name\n\nAna,"a\nb"\n,,\nRui,Gil\n', KNOWN)
    assert [line.number for line in table.lines] == [3, 5]


def test_it_names_a_row_that_is_cut_off():
    table = read_table(b"First name,Last name,Email\nAna,Sousa,ana@example.org\nRui,G", KNOWN)
    assert "cut off" in table.lines[1].flaw
    assert table.lines[1].number == 3


def test_it_takes_short_rows_for_a_habit_where_many_are():
    text = "First name,Last name,Email\n" + "Ana,Sousa\n" * 20 + "Rui,Gil,rui@example.org\n" * 80
    assert not any(line.flaw for line in read_table(text.encode(), KNOWN).lines)


@pytest.mark.parametrize(("short", "whole"), [(2, 28), (19, 1), (30, 200)])
def test_it_names_short_rows_where_they_are_no_habit(short, whole):
    text = "First name,Last name,Email\n" + "Cli\n" * short + "Rui,Gil,rui@example.org\n" * whole
    table = read_table(text.encode(), KNOWN)
    assert [bool(line.flaw) for line in table.lines] == [True] * short + [False] * whole


def test_it_names_a_row_with_too_many_cells():
    table = read_table(b"First name,Last name\nAna,Sousa\nRui,Gil,da,Costa\n", KNOWN)
    assert table.lines[0].flaw == ""
    assert "4 cells under 2 columns" in table.lines[1].flaw


def test_it_names_a_row_whose_quotation_mark_is_never_closed():
    table = read_table(b'First name,Last name\nAna,Sousa\nRui,"Gil\nEva,Reis\n', KNOWN)
    assert "never closed" in table.lines[-1].flaw
    assert table.lines[-1].number == 3


def test_it_takes_no_notice_of_nul_bytes():
    assert rows(read_table(b"First name,Last name\nAn\0a,Sou\0sa\n", KNOWN)) == [["Ana", "Sousa"]]


def test_it_reads_text_that_ends_within_a_letter():
    assert rows(read_table("First name,Last name\nÅsa,Öst\nInês,Olé".encode()[:-1], KNOWN))[0] == ["Åsa", "Öst"]


def test_it_finds_the_header_below_a_title():
    table = read_table(b"Client list of 2026,,\n,,\nFirst name,Last name,Email\nAna,Sousa,a@example.org\n", KNOWN)
    assert table.header == ("First name", "Last name", "Email")
    assert [line.number for line in table.lines] == [4]
    assert table.remarks == ("Row 1 stands above the names of the columns and is left out: “Client list of 2026”.",)


@pytest.mark.parametrize("value", ["Phone", "Email", "Date of birth"])
def test_a_cell_that_is_called_like_a_column_makes_no_header(value):
    table = read_table(f"Who,Where\nAna,Lisboa\n{value},Porto\nRui,Faro\n".encode(), KNOWN)
    assert table.header == ("Who", "Where")
    assert rows(table) == [["Ana", "Lisboa"], [value, "Porto"], ["Rui", "Faro"]]


def test_a_row_of_names_below_people_makes_no_header():
    table = read_table(b"First name,Who\nAna,Sousa\nFirst name,Last name\n", KNOWN)
    assert table.header == ("First name", "Who")
    assert len(table.lines) == 2


def test_a_title_with_one_known_name_below_is_no_header():
    table = read_table(b"Phone,\nEmail,ana@example.org\n", KNOWN)
    assert table.header == ("Phone",)
    assert [line.number for line in table.lines] == [2]


def test_it_passes_over_a_header_that_comes_again():
    table = read_table(b"First name,Last name\nAna,Sousa\nFirst name,Last name\nRui,Gil\n", KNOWN)
    assert rows(table) == [["Ana", "Sousa"], ["Rui", "Gil"]]


def test_it_tells_two_columns_of_one_name_apart():
    assert read_table(b"Name,Phone,Phone\nAna,1,2\n", KNOWN).header == ("Name", "Phone", "Phone (2)")


def test_it_calls_the_columns_by_letters_where_there_is_no_header():
    table = read_table(b"Ana,Sousa,ana@example.org\nRui,Gil,rui@example.org\n", KNOWN)
    assert not table.has_header
    assert table.header == ("Column A", "Column B", "Column C")
    assert len(table.lines) == 2


def test_letters_go_on_after_z():
    assert [column_letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_it_reads_a_workbook():
    content = workbook(
        [["First name", "Phone", "Date of birth"], ["Ana", 351912345678, date(1988, 2, 29)], ["Rui", 1.5, None]]
    )
    table = read_table(content, KNOWN)
    assert table.lines[0].cells == ("Ana", "351912345678", date(1988, 2, 29))
    assert table.lines[1].cells == ("Rui", "1.5", "")


def test_it_reads_the_value_of_a_formula_cell():
    book = openpyxl.Workbook()
    book.active.append(["First name", "Last name"])
    book.active.append(["Ana", "=1+1"])
    content = saved(book)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        files = {name: parts.read(name) for name in parts.namelist()}
    files["xl/worksheets/sheet1.xml"] = (
        files["xl/worksheets/sheet1.xml"].replace(b"<v />", b"<v>2</v>").replace(b"<v></v>", b"<v>2</v>")
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        for name, data in files.items():
            parts.writestr(name, data)
    assert rows(read_table(out.getvalue(), KNOWN)) == [["Ana", "2"]]


def test_it_reads_the_first_sheet_with_something_in_it_and_says_which():
    content = workbook(Cover=[], People=[["First name", "Last name"], ["Ana", "Sousa"]], Old=[["First name"], ["X"]])
    table = read_table(content, KNOWN)
    assert (table.sheet, table.sheets) == ("People", 3)
    assert rows(table) == [["Ana", "Sousa"]]


def test_it_leaves_hidden_sheets_alone():
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(Hidden=[["First name"], ["X"]], People=[["First name"], ["Ana"]]))
    )
    book["Hidden"].sheet_state = "hidden"
    book.active = 1
    assert rows(read_table(saved(book), KNOWN)) == [["Ana"]]


def test_a_cell_merged_downwards_counts_for_every_row():
    book = openpyxl.Workbook()
    for row in (["Our clients", None], ["First name", "Phone"], ["Ana", "912"], ["Rui", None]):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("B3:B4")
    table = read_table(saved(book), KNOWN)
    assert table.header == ("First name", "Phone")
    assert rows(table) == [["Ana", "912"], ["Rui", "912"]]


def test_it_reads_dates_with_their_time():
    told = datetime(2026, 12, 1, 9, 30)  # noqa: DTZ001 -- as a workbook keeps it
    table = read_table(workbook([["First name", "Start"], ["Ana", told]]), KNOWN)
    assert as_text(table.lines[0].cells[1]) == "2026-12-01 09:30"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This file is empty."),
        (b"\xef\xbb\xbf\r\n \r\n", "This file is empty."),
        (b"First name,Last name\r\n", "a header and no rows"),
        (b"%PDF-1.7 \x00\x01", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "old Excel file"),
        (b"<!DOCTYPE html><html><table><tr><td>1</td></tr></table>", "a web page"),
        (b"  <html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "no table"),
        (b"PK\x03\x04 this is no zip", "damaged"),
    ],
)
def test_it_says_in_one_sentence_why_a_file_is_no_table(content, sentence):
    with pytest.raises(Unreadable) as refused:
        read_table(content, KNOWN)
    assert sentence in refused.value.messages[0]


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in files.items():
            parts.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def test_it_refuses_a_zip_that_is_no_workbook():
    with pytest.raises(Unreadable, match="no Excel file"):
        read_table(zipped(**{"a.txt": b"hello"}))


def with_sheet(xml: bytes, *, shared: bytes = b"", at: str = "xl/worksheets/sheet1.xml") -> bytes:
    """Return a workbook of one sheet with this XML, wherever it is stored."""
    with zipfile.ZipFile(io.BytesIO(workbook([["First name"]]))) as parts:
        files = {name: parts.read(name) for name in parts.namelist()}
    del files["xl/worksheets/sheet1.xml"]
    files[at] = xml
    if shared:
        files["xl/sharedStrings.xml"] = shared
    for name in ("xl/_rels/workbook.xml.rels", "[Content_Types].xml"):
        files[name] = files[name].replace(b"xl/worksheets/sheet1.xml", at.encode())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in files.items():
            parts.writestr(name, data)
    return out.getvalue()


MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
FAR = b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>'
CORNERS = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(with_sheet(FAR % (MAIN, CORNERS)), id="the last corner"),
        pytest.param(with_sheet(FAR % (MAIN, CORNERS), at="xl/foo/sheet1.xml"), id="a sheet stored elsewhere"),
        pytest.param(with_sheet(FAR % (MAIN, CORNERS.replace(b'"', b"'"))), id="single quotes"),
        pytest.param(
            with_sheet(
                (FAR % (MAIN, CORNERS))
                .replace(b"</", b"</x:")
                .replace(b"<", b"<x:")
                .replace(b"<x:/x:", b"</x:")
                .replace(b"xmlns=", b"xmlns:x=")
            ),
            id="prefixed tags",
        ),
        pytest.param(
            with_sheet(FAR % (MAIN, b"<row>%s</row>" % (b"<c><v>1</v></c>" * 16_000) + b"<row></row>" * 20_000
                              + b"<row>%s</row>" % (b"<c><v>1</v></c>" * 16_000))),
            id="cells without a place",
        ),
        pytest.param(
            with_sheet(
                FAR % (MAIN, b"".join(b'<row><c t="s"><v>0</v></c></row>' for _ in range(8_000))),
                shared=b'<sst xmlns="%s"><si><t>%s</t></si></sst>' % (MAIN, b"x" * 200_000),
            ),
            id="one long text in many cells",
        ),
        pytest.param(zipped(**{"[Content_Types].xml": b"", "xl__x": b"0" * (401 << 20)}), id="a part of zeros"),
        pytest.param(zipped(**{"[Content_Types].xml": b""} | {f"xl__{n}": b"" for n in range(2_001)}), id="many parts"),
    ],
)  # fmt: skip
def test_a_workbook_that_unfolds_too_far_ends_in_one_sentence(bomb):
    assert len(bomb) < 600_000
    with pytest.raises(Unreadable, match="unfolds"):
        read_table(bomb, KNOWN)


def test_a_workbook_of_which_nothing_comes_in_time_is_refused(monkeypatch):
    monkeypatch.setattr(workbooks, "PATIENCE_SECONDS", 0.001)
    with pytest.raises(Unreadable, match="unfolds"):
        read_table(workbook([["First name"], ["Ana"]]), KNOWN)


def test_merged_cells_that_cover_more_than_there_is_are_refused():
    merged = b"<mergeCells>%s</mergeCells>" % (b'<mergeCell ref="A1:A5000"/>' * 10_000)
    sheet = FAR % (MAIN, b"<row><c><v>1</v></c></row>" * 5_000)
    with pytest.raises(Unreadable, match="unfolds"):
        read_table(with_sheet(sheet.replace(b"</worksheet>", merged + b"</worksheet>")), KNOWN)


def test_it_keeps_empty_rows_and_columns_at_the_edge():
    book = openpyxl.Workbook()
    for place, told in {"C3": "First name", "D3": "Phone", "C5": "Ana", "D5": "912"}.items():
        book.active[place] = told
    table = read_table(saved(book), KNOWN)
    assert table.header == ("Column A", "Column B", "First name", "Phone")
    assert [(line.number, line.cells) for line in table.lines] == [(5, ("", "", "Ana", "912"))]


def test_it_refuses_a_file_that_is_too_large():
    with pytest.raises(Unreadable, match="larger than 20 MB"):
        read_table(b"a" * (MOST_BYTES + 1))


def test_it_refuses_too_many_rows_in_one_sentence(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 100)
    with pytest.raises(Unreadable, match="more than 100 rows"):
        read_table(b"First name,Last name\n" + b"Ana,Sousa\n" * 101, KNOWN)


def test_it_refuses_too_many_rows_of_a_workbook(monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 100)
    with pytest.raises(Unreadable, match="more than 100 rows"):
        read_table(workbook([["First name"], *[["Ana"]] * 101]), KNOWN)


def test_it_reads_50_000_rows_and_not_one_more():
    content = b"First name,Last name\n" + b"Ana,Sousa\n" * 50_000
    assert len(read_table(content, KNOWN).lines) == 50_000
    with pytest.raises(Unreadable, match="more than 50,000 rows"):
        read_table(content + b"Rui,Gil\n", KNOWN)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(content):
    table, sentences = read_or_refused(content)
    assert len(sentences) == (table is None)
    assert table is None or all(len(line.cells) == len(table.header) for line in table.lines)


def test_a_length_of_time_that_no_clock_shows_is_a_damaged_workbook():
    book = openpyxl.Workbook()
    for told in ("First name", timedelta(hours=3)):
        book.active.append([told])
    with zipfile.ZipFile(io.BytesIO(saved(book))) as parts:
        told = {name: parts.read(name) for name in parts.namelist()}
    told["xl/worksheets/sheet1.xml"] = re.sub(rb"<v>0.125</v>", b"<v>9e99</v>", told["xl/worksheets/sheet1.xml"])
    assert b"9e99" in told["xl/worksheets/sheet1.xml"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as parts:
        for name, part in told.items():
            parts.writestr(name, part)
    with pytest.raises(Unreadable, match="damaged"):
        read_table(content.getvalue(), KNOWN)


@pytest.mark.parametrize(
    "damages",
    [
        pytest.param({0: b"\0\0"}, id="its list"),
        pytest.param({6: b"\xff"}, id="a version to come"),
        pytest.param({8: b"\0\x08", 46: b"\xff"}, id="a name that is no UTF-8, though it says so"),
    ],
)
def test_a_zip_with_one_damage_in_its_list_is_a_damaged_workbook(damages):
    content, entry = bytearray(WORKBOOK), WORKBOOK.index(b"PK\1\2")
    for place, damage in damages.items():
        content[entry + place : entry + place + len(damage)] = damage
    with pytest.raises(Unreadable, match="damaged"):
        read_table(bytes(content), KNOWN)


WORKBOOK = workbook([["First name", "Last name"], *[["Ana", "Sousa"]] * 30])


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=300))
def test_a_damaged_workbook_is_a_table_or_refused(noise):
    middle = len(WORKBOOK) // 2
    table, sentences = read_or_refused(WORKBOOK[:middle] + noise + WORKBOOK[middle + len(noise) :])
    assert len(sentences) == (table is None)


@given(
    st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=5), min_size=1, max_size=8), st.sampled_from(",;\t|")
)
def test_any_text_between_separators_is_a_table_or_refused(cells, separator):
    text = "\n".join(separator.join(row) for row in cells)
    table, sentences = read_or_refused(text.encode("utf-8", "surrogatepass"))
    assert len(sentences) == (table is None)
    assert table is None or table.lines
