"""Files as people bring them: read as one table, or refused in one sentence. Never a traceback."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from clinic.people.importing import reading
from clinic.people.importing.reading import MOST_BYTES, Table, Unreadable, as_text, column_letters, read_table

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


def test_it_reads_latin_1_with_semicolons_and_a_byte_order_mark():
    assert rows(read_table(b"\xef\xbb\xbf" + PEOPLE.encode("utf-8"), KNOWN))[0][0] == "Åsa"


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
    text = "First name,Last name,Email\n" + "Ana,Sousa\n" * 50 + "Rui,Gil,rui@example.org\n"
    assert not any(line.flaw for line in read_table(text.encode(), KNOWN).lines)


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


def test_it_refuses_a_zip_that_unfolds_too_far(monkeypatch):
    monkeypatch.setattr(reading, "MOST_UNFOLDED", 1 << 20)
    bomb = zipped(**{"[Content_Types].xml": b"", "xl__worksheets__sheet1.xml": b"0" * (2 << 20)})
    with pytest.raises(Unreadable, match="unfolds"):
        read_table(bomb)


def test_it_refuses_a_cell_in_the_last_corner():
    book = openpyxl.Workbook()
    book.active["A1"] = "First name"
    book.active["XFD1048576"] = "x"
    with pytest.raises(Unreadable, match="unfolds"):
        read_table(saved(book), KNOWN)


def test_it_refuses_a_file_that_is_too_large():
    with pytest.raises(Unreadable, match="larger than 20 MB"):
        read_table(b"a" * (MOST_BYTES + 1))


def test_it_refuses_too_many_rows_in_one_sentence(monkeypatch):
    monkeypatch.setattr(reading, "MOST_ROWS", 100)
    with pytest.raises(Unreadable, match="more than 100 rows"):
        read_table(b"First name,Last name\n" + b"Ana,Sousa\n" * 101, KNOWN)


def test_it_reads_100_000_rows():
    content = b"First name,Last name\n" + b"Ana,Sousa\n" * 100_000
    assert len(read_table(content, KNOWN).lines) == 100_000


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(content):
    table, sentences = read_or_refused(content)
    assert len(sentences) == (table is None)
    assert table is None or all(len(line.cells) == len(table.header) for line in table.lines)


WORKBOOK = workbook([["First name", "Last name"], *[["Ana", "Sousa"]] * 30])


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
