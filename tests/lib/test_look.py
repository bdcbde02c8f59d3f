"""The look holds together: what templates name exists, what must be read can be read, and nothing is inline."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from crispy_forms.helper import FormHelper
from crispy_forms.utils import render_crispy_form
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "clinic" / "static"
CSS = STATIC / "css"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "emails" not in path.relative_to(ROOT).parts]  # letters carry their own style

# Classes that carry no style: Bootstrap's hooks, and names that a script or a test looks for.
UNSTYLED = frozenset({"btn-check"})

_COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)
_TAG_OR_VALUE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_STRING = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')


def source_of(path: Path) -> str:
    return _COMMENT.sub("", path.read_text("utf-8"))


def markup_of(path: Path) -> str:
    """Return a template without its tags and values, so that what is left is plain markup."""
    return _TAG_OR_VALUE.sub("\x00", source_of(path))


def rules_of(path: Path) -> str:
    return _CSS_COMMENT.sub("", path.read_text("utf-8"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---- icons and classes ----


def icons_named(text: str) -> Iterator[str]:
    yield from re.findall(r'\{% icon "([a-z0-9-]+)"', text)
    yield from re.findall(r'\bsymbol="([a-z0-9-]+)"', text)
    yield from re.findall(r'symbol\|default:"([a-z0-9-]+)"', text)


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="i-([a-z0-9-]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    named = {(relative(path), name) for path in TEMPLATES for name in icons_named(source_of(path))}
    assert len(named) > 10
    assert {(path, name) for path, name in named if name not in drawn} == set()


def styled_classes() -> set[str]:
    sheets = [*CSS.glob("*.css"), *STATIC.glob("vendor/bootstrap-*/bootstrap.min.css")]
    return {name for sheet in sheets for name in re.findall(r"\.(-?[A-Za-z_][\w-]*)", rules_of(sheet))}


def classes_named(path: Path) -> Iterator[str]:
    """Yield the words of class attributes that are whole words in the template (not built around a value)."""
    source = re.sub(r"\{%.*?%\}", " ", source_of(path), flags=re.DOTALL)
    for value in re.findall(r'\bclass="([^"]*)"', re.sub(r"\{\{.*?\}\}", "\x00", source)):
        yield from (word for word in value.split() if "\x00" not in word)


def test_every_class_a_template_names_is_styled() -> None:
    known = styled_classes() | UNSTYLED
    named = {(relative(path), name) for path in PAGES for name in classes_named(path)}
    assert len(named) > 100
    assert sorted((path, name) for path, name in named if name not in known) == []


# ---- nothing inline, for the content security policy allows none ----


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_a_page_has_no_inline_style_script_or_handler(path: Path) -> None:
    markup = markup_of(path)
    assert re.findall(r"\sstyle\s*=", markup) == []
    assert re.findall(r"<style\b", markup) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", markup) == []
    assert re.findall(r"<[^>]*\s(on[a-z]+)\s*=", markup) == []
    assert re.findall(r"javascript:", markup) == []


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_a_page_fetches_nothing_from_elsewhere(path: Path) -> None:
    assert re.findall(r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="https?:', source_of(path)) == []


# ---- style sheets and vendored files ----


@pytest.mark.parametrize("sheet", sorted(CSS.glob("*.css")), ids=lambda path: path.name)
def test_a_style_sheet_is_well_formed(sheet: Path) -> None:
    text = _CSS_STRING.sub('""', rules_of(sheet))
    assert "/*" not in text
    assert "*/" not in text
    assert text.count("(") == text.count(")")
    depth = 0
    for brace in re.findall(r"[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    for block in re.findall(r"\{([^{}]*)\}", text):
        for declaration in filter(None, (part.strip() for part in block.split(";"))):
            assert re.match(r"(--)?[a-z-][\w-]*\s*:\s*\S", declaration), declaration


@pytest.mark.parametrize("sheet", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_a_style_sheet_points_at_files_that_exist(sheet: Path) -> None:
    text = rules_of(sheet)
    assert "sourceMappingURL" not in sheet.read_text("utf-8")
    for target in re.findall(r"url\([\"']?([^\"')]+)", text):
        assert target.startswith("data:") or (sheet.parent / target).is_file(), target


@pytest.mark.parametrize("folder", sorted((STATIC / "vendor").iterdir()), ids=lambda path: path.name)
def test_a_vendored_folder_holds_exactly_what_its_checksums_say(folder: Path) -> None:
    assert re.fullmatch(r"[a-z0-9-]+-\d+(\.\d+)+", folder.name)
    listed = dict(line.split(None, 1)[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    held = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert "LICENSE" in held
    assert set(listed) == held
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in held} == listed


def test_fonts_and_icons_have_their_licences_beside_them() -> None:
    assert {path.name for path in (STATIC / "fonts").glob("LICENSE-*")} == {
        "LICENSE-atkinson-hyperlegible-next.txt",
        "LICENSE-newsreader.txt",
    }
    assert "MIT" in (STATIC / "LICENSE-tabler-icons.txt").read_text("utf-8")


# ---- contrast ----


def theme_blocks() -> dict[str, dict[str, str]]:
    text = rules_of(CSS / "tokens.css")
    found = {
        "light": r':root, \[data-bs-theme="light"\]',
        "dim": r'\n\[data-bs-theme="dark"\]',
        "system": r":root:not\(\[data-bs-theme\]\)",
    }
    return {
        theme: dict(re.findall(r"--sp-([\w-]+):\s*(#[0-9a-f]{6})", re.search(opening + r"\s*\{([^}]*)", text)[1]))  # type: ignore[index]
        for theme, opening in found.items()
    }


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


GROUNDS = ("paper", "surface", "raised", "sunken")
MODALITIES = ("cs", "mf", "nm", "sw", "dt", "rx", "ns")
TEXT_PAIRS = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3", "still-ink", "amber-ink", "madder-ink") for ground in GROUNDS),
    *((f"{tone}-ink", f"{tone}-tint") for tone in ("still", "amber", "madder", "slate", "heather")),
    *(("ink", f"{tone}-tint") for tone in ("still", "amber", "madder", "slate", "heather")),
    *((f"mod-{code}-ink", f"mod-{code}-tint") for code in MODALITIES),
    *((f"mod-{code}-ink", "surface") for code in MODALITIES),
    ("ink-2", "line"),  # the plain pill
    ("on-still", "still"),
    ("on-still", "still-hover"),
    ("on-madder", "madder"),
    ("live-ink", "live"),
    ("live-ink-2", "live"),
]
MARK_PAIRS = [*(("line-strong", ground) for ground in GROUNDS), *(("focus", ground) for ground in GROUNDS)]


@pytest.mark.parametrize("theme", ["light", "dim"])
def test_text_is_readable_on_every_ground_it_stands_on(theme: str) -> None:
    colours = theme_blocks()[theme]
    weak = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in TEXT_PAIRS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dim"])
def test_edges_of_controls_and_the_focus_ring_are_seen(theme: str) -> None:
    colours = theme_blocks()[theme]
    weak = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in MARK_PAIRS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_the_system_s_dark_is_our_dim() -> None:
    blocks = theme_blocks()
    assert blocks["system"] == blocks["dim"]
    assert blocks["light"].keys() == blocks["dim"].keys()


# ---- form fields ----


class VisitForm(forms.Form):
    phone = forms.CharField(label="Phone", help_text="With the country's number.")
    remark = forms.CharField(label="Remark", required=False)
    every = forms.ChoiceField(
        label="Every", choices=[("1", "week"), ("2", "two weeks")], widget=forms.RadioSelect(attrs={"class": "seg"})
    )
    signs = forms.MultipleChoiceField(
        label="Signs",
        choices=[("light", "Light"), ("sound", "Sound")],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
        required=False,
    )
    agreed = forms.BooleanField(label="Agreed")


def rendered(form: forms.Form) -> str:
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    return render_crispy_form(form, helper)


def test_a_required_field_says_so_in_words_and_an_optional_one_says_nothing() -> None:
    html = rendered(VisitForm())
    assert re.search(r'<label for="id_phone"[^>]*>Phone <small>required</small>\s*</label>', html)
    assert re.search(r'<label for="id_remark"[^>]*>Remark\s*</label>', html)
    assert "asterisk" not in html


def test_help_stands_below_its_field_and_is_read_with_it() -> None:
    html = rendered(VisitForm())
    assert html.index('id="id_phone"') < html.index('id="id_phone_helptext"')
    assert re.search(r'<input[^>]*aria-describedby="id_phone_helptext"[^>]*id="id_phone"', html)


def test_an_error_stands_below_its_field_and_in_a_summary_that_leads_there() -> None:
    html = rendered(VisitForm({"phone": "", "every": "2", "agreed": "on", "remark": "she rang twice"}))
    assert "One thing to put right" in html
    assert '<a href="#id_phone">Phone: This field is required.</a>' in html
    assert html.index("err-sum") < html.index('id="div_id_phone"')
    field = re.search(r'<input[^>]*name="phone"[^>]*>', html)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert "id_phone_error" in field[0]
    assert 'id="id_phone_error" class="invalid-feedback"' in html
    assert 'value="she rang twice"' in html


def test_every_line_of_the_summary_leads_to_something() -> None:
    html = rendered(VisitForm({"signs": "neither"}))
    targets = re.findall(r'<a href="#([^"]+)"', html)
    assert len(targets) == 4
    for target in targets:
        assert html.count(f'id="{target}"') == 1


def test_choices_are_a_group_with_a_legend_and_work_without_script() -> None:
    html = rendered(VisitForm(initial={"every": "2", "signs": ["light"]}))
    assert re.search(r'<fieldset id="div_id_every"[^>]*>\s*<legend[^>]*>Every', html)
    assert re.search(r'class="seg">\s*<input class="btn-check" type="radio" name="every" value="1"', html)
    assert re.search(r'value="2"[^>]*\bchecked\b', html)
    assert re.search(r'<label for="id_signs_0" class="chip"><svg[^>]*i-tick', html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


# ---- tags and parts ----


@pytest.mark.parametrize(
    ("language", "minor_units", "currency", "written"),
    [
        ("en", 6800, "EUR", "€68.00"),
        ("en", 123456, "GBP", "£1,234.56"),
        ("en", -3400, "EUR", "−€34.00"),
        ("en", 9000, "JPY", "9,000\N{NO-BREAK SPACE}JPY"),
        ("en", 9000, "CHF", "90.00\N{NO-BREAK SPACE}CHF"),
        ("de", 6800, "EUR", "68,00\N{NO-BREAK SPACE}€"),
        ("en", 0, "EUR", "€0.00"),
        ("en", None, "EUR", ""),
    ],
)
def test_money_is_written_with_its_currency(language: str, minor_units: int, currency: str, written: str) -> None:
    template = Template("{% load stillpoint %}{{ amount|money:currency }}")
    with translation.override(language):
        assert template.render(Context({"amount": minor_units, "currency": currency})) == written


def test_a_large_amount_keeps_its_last_cent() -> None:
    template = Template("{% load stillpoint %}{{ amount|money:'EUR' }}")
    assert template.render(Context({"amount": 9007199254740993})) == "€90,071,992,547,409.93"


@pytest.mark.parametrize(
    ("name", "letters"), [("Bea Lindqvist", "BL"), ("Ana-Maria de Sousa Pop", "AP"), ("Olga", "O"), ("", "")]
)
def test_initials_are_of_the_first_and_the_last_name(name: str, letters: str) -> None:
    assert Template("{% load stillpoint %}{{ name|initials }}").render(Context({"name": name})) == letters


def test_an_icon_escapes_what_it_is_given() -> None:
    html = Template("{% load stillpoint %}{% icon name %}").render(Context({"name": '"><script>'}))
    assert "<script>" not in html


def test_the_pager_keeps_the_other_words_of_the_query() -> None:
    request = RequestFactory().get("/clients/", {"q": "moreau", "page": "2"})
    page = Paginator(range(30), 10).page(2)
    html = render_to_string("parts/pager.html", {"page": page, "request": request})
    assert 'rel="prev" href="?q=moreau&amp;page=1"' in html
    assert 'rel="next" href="?q=moreau&amp;page=3"' in html
    assert "Page 2 of 3" in html


# ---- frames ----

BEA = SimpleNamespace(
    is_authenticated=True, is_therapist=True, is_front_desk=False, is_owner=False, name="Bea Lindqvist"
)
DANA = SimpleNamespace(is_authenticated=True, is_therapist=False, is_front_desk=True, is_owner=False, name="Dana Silva")


def desk_page(user: SimpleNamespace, path: str = "/", **context: object) -> str:
    request = RequestFactory().get(path)
    request.user = user  # type: ignore[assignment]
    return render_to_string("base_desk.html", {"request": request, **context})


def navigation(html: str) -> list[str]:
    main = html[html.index('<nav class="topnav"') :]
    return re.findall(r"<a href=[^>]*>([A-Za-z ]+)", main[: main.index("</nav>")])


def test_a_therapist_and_the_front_desk_each_see_their_own_places() -> None:
    assert [place.strip() for place in navigation(desk_page(BEA))] == ["My day", "Day", "Clients", "Reviews", "Notes"]
    assert [place.strip() for place in navigation(desk_page(DANA))] == ["Day", "Clients", "Messages", "Waitlist"]


def test_the_navigation_marks_where_the_reader_is_and_counts_open_work() -> None:
    html = desk_page(BEA, place="clients", worklist_counts={"reviews": 2, "notes": 0})
    assert re.findall(r'aria-current="page">([A-Za-z ]+)', html) == [
        "Clients",
        "Clients",
    ]  # the bar, and the phone's menu
    assert 'Reviews <span class="n">2</span>' in html
    assert re.search(r">Notes</a>", html)


@pytest.mark.parametrize(("theme", "attribute"), [("light", 'data-bs-theme="light"'), ("dark", 'data-bs-theme="dark"')])
def test_a_theme_chosen_by_hand_is_written_into_the_page(theme: str, attribute: str) -> None:
    opening = re.search(r"<html[^>]*>", desk_page(BEA, theme=theme))
    assert opening is not None
    assert attribute in opening[0]


def test_without_a_choice_the_system_is_followed() -> None:
    html = desk_page(BEA, theme="")
    assert "data-bs-theme" not in html
    assert '<meta name="color-scheme" content="light dark">' in html


def test_htmx_may_neither_style_nor_evaluate() -> None:
    html = desk_page(BEA)
    assert '"includeIndicatorStyles": false' in html
    assert '"allowEval": false' in html


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "403_csrf.html", "500.html"])
def test_an_error_page_needs_no_context_and_shows_a_way_on(name: str) -> None:
    html = render_to_string(name)
    assert html.count("<h1>") == 1
    assert 'href="/"' in html


@pytest.mark.parametrize("url", ["/login/", "/login/code/", "/password/reset/", "/signup/", "/logout/"])
@pytest.mark.django_db
def test_the_sign_in_pages_stand_in_our_frame(client, clinic, url: str) -> None:
    response = client.get(url, follow=True)
    assert response.status_code == 200
    html = response.content.decode()
    assert 'class="sign"' in html
    assert html.count("<h1>") == 1
    assert "<main" in html


@pytest.mark.django_db
def test_a_wrong_password_is_said_in_the_summary_and_the_e_mail_is_kept(client, clinic) -> None:
    response = client.post("/login/", {"login": "bea@example.org", "password": "not this one"})
    html = response.content.decode()
    assert "err-sum" in html
    assert 'value="bea@example.org"' in html
    assert "not this one" not in html
