"""Finding a client while somebody types: by any part, with a typo, best first, and by no more queries than needed."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, User
from clinic.people.searching import FEW, SHOWN, suggestions, told_by
from tests.factories import BEFORE, ClientFactory

SEARCH = "/clients/search/"
LIST = "/clients/"


def found_for(typed: str, user: User) -> list[str]:
    return [client.legal_name for client in suggestions(typed, user).clients]


def options(browser: Browser, typed: str = "") -> list[str]:
    """Return the names that the listbox offers, in order."""
    html = browser.get(SEARCH, {"q": typed}).content.decode()
    return re.findall(r'role="option"[^>]*href="/clients/\d+/"><b>([^<]*?) ?<', html)


# ---- by what she is found -------------------------------------------------------------------------------------


@pytest.fixture
def jose(clinic: object) -> Client:
    for number in range(3):
        ClientFactory(legal_name=f"Maria Horta{number}", phone=f"+35196000000{number}")
    return ClientFactory(
        legal_name="José Wei-Lin da Conceição O’Neill",
        preferred_name="Zé",
        email="zeca.linha@example.org",
        phone="+351912345678",
        other_phone="+442079460018",
    )


@pytest.mark.parametrize(
    "typed",
    [
        "jose", "JOSÉ", "José".encode().decode(), "conceicao", "conceiçao jose", "wei-lin", "wei lin", "o'neill",
        "o’neill", "oneill", "Zé", "ze", "z", "jo con", "neill wei",
        "zeca.linha@example.org", "linha@exam", "zeca",
        "912345678", "912 345 678", "345 678", "5678", "+351 912 345 678", "00351912345678", "0912345678",
        "(0)912-345.678", "+351 (0) 912 345 678", "٩١٢٣٤٥٦٧٨", "020 7946 0018", "79460018", "+44 (0)20 7946",
        "jose 5678",
    ],
)  # fmt: skip
def test_it_finds_a_client_by_any_part_of_what_is_known(jose: Client, dana: User, typed: str) -> None:
    assert found_for(typed, dana) == [jose.legal_name]


@pytest.mark.parametrize("typed", ["12", "35", "j%%e", "z|lin", "+351 912 345 679"])
def test_signs_of_patterns_and_two_digits_find_nobody(jose: Client, dana: User, typed: str) -> None:
    assert found_for(typed, dana) == []


@pytest.mark.parametrize("typed", ["", "  ", "-", "|", "/ %", "\0"])
def test_where_no_letter_was_typed_the_recent_ones_stand(jose: Client, dana: User, typed: str) -> None:
    found = suggestions(typed, dana)
    assert found.are_recent
    assert len(found.clients) == 4


def test_whoever_has_the_whole_name_comes_first_then_who_begins_with_it_then_the_rest(
    clinic: object, dana: User
) -> None:
    for name in ("Rosanna Abt", "Anna-Lena Berg", "Zoe Anna", "Anna", "Anna Zweig", "Joanna Cole"):
        ClientFactory(legal_name=name, email="", phone="")
    ClientFactory(legal_name="Peter Abel", email="anna@example.org")
    assert found_for("anna", dana) == [
        "Anna", "Anna Zweig", "Anna-Lena Berg", "Zoe Anna", "Joanna Cole", "Peter Abel", "Rosanna Abt",
    ]  # fmt: skip


def test_the_names_that_fit_stand_above_those_that_nearly_fit(clinic: object, dana: User) -> None:
    for name in ("Ana Reis", "Anna Reis", "Anne Reis", "Otto Reis"):
        ClientFactory(legal_name=name, email="")
    assert found_for("anna reis", dana) == ["Anna Reis", "Ana Reis", "Anne Reis"]


def test_when_enough_fit_nobody_is_offered_who_only_nearly_fits(clinic: object, dana: User) -> None:
    ClientFactory(legal_name="Ana Reis", email="")
    for number in range(FEW):
        ClientFactory(legal_name=f"Anna Reis{number}", email="")
    assert "Ana Reis" not in found_for("anna", dana)


def test_a_word_is_forgiven_while_it_is_still_being_typed(clinic: object, dana: User) -> None:
    siobhan = ClientFactory(legal_name="Siobhán Byrne")
    assert found_for("siohb", dana) == found_for("sioban", dana) == [siobhan.legal_name]


def test_archived_clients_are_offered_only_when_nobody_else_fits(as_dana: Browser, now: datetime) -> None:
    gone = ClientFactory(legal_name="Ana Reis", archived_at=now)
    kept = ClientFactory(legal_name="Anna Reis")
    ClientFactory(legal_name="Ana Velha", archived_at=now, merged_into=kept)
    assert options(as_dana, "ana reis") == ["Anna Reis"]
    Client.objects.filter(pk=kept.pk).update(legal_name="Otto Berg")
    html = as_dana.get(SEARCH, {"q": "ana"}).content.decode()
    assert reverse("desk:client", args=[gone.pk]) in html
    assert "archived" in html
    assert "Velha" not in html
    # Then also whoever was once written down under that name.
    assert [client.pk for client in as_dana.get(LIST, {"q": "ana"}).context["page"]] == [gone.pk, kept.pk]


# ---- by the date of birth -------------------------------------------------------------------------------------


@pytest.fixture
def of_april(clinic: object) -> Client:
    for number, day in enumerate((date(1985, 4, 4), date(1986, 4, 3), None)):
        ClientFactory(legal_name=f"Maria Horta{number}", born_on=day)
    return ClientFactory(legal_name="Ana Reis", born_on=date(1985, 4, 3))


@pytest.mark.parametrize(
    "typed",
    [
        "3.4.1985", "03.04.1985", "1985-04-03", "1985/4/3", "03/04/1985", "3-4-1985", "３.４.１９８５", " 3.4.1985, ",
        "4/3/1985", "reis 3.4.1985", "1985-04-03 Ana", "an 4/3/1985 reis", "3 Apr 1985", "3 April 1985",
        "Ana, 3. abril 1985", "3 de abril de 1985",
    ],
)  # fmt: skip
def test_it_finds_a_client_by_the_date_of_birth(of_april: Client, dana: User, typed: str) -> None:
    assert found_for(typed, dana) == [of_april.legal_name]


@pytest.mark.parametrize(
    "typed",
    ["4.3.1985", "1985-03-04", "31.2.1985", "otto 3.4.1985", "0.0.1985", "3.4.1985.1", "4 Mar 1985", "3 reis 1985"],
)
def test_another_day_or_name_or_no_day_at_all_finds_nobody(of_april: Client, dana: User, typed: str) -> None:
    assert found_for(typed, dana) == []


def test_of_two_days_that_one_date_may_mean_the_one_with_the_day_first_comes_first(clinic: object, dana: User) -> None:
    ClientFactory(legal_name="Ana Reis", born_on=date(1985, 3, 4))
    ClientFactory(legal_name="Otto Berg", born_on=date(1985, 4, 3))
    assert found_for("03/04/1985", dana) == ["Otto Berg", "Ana Reis"]
    assert found_for("04/03/1985", dana) == ["Ana Reis", "Otto Berg"]


def test_a_name_beside_the_date_is_forgiven_its_typo(of_april: Client, dana: User) -> None:
    assert found_for("raiz 3.4.1985", dana) == []
    assert found_for("ries 3.4.1985", dana) == ["Ana Reis"]


def test_a_date_that_nobody_has_is_carried_to_the_form_of_a_new_client(as_dana: Browser) -> None:
    html = as_dana.get(SEARCH, {"q": "3.4.1985"}).content.decode()
    assert "/clients/new/?born_on=3+April+1985" in html
    assert 'value="3 April 1985"' in as_dana.get("/clients/new/", {"born_on": "3 April 1985"}).content.decode()


def test_what_stands_beside_such_a_date_is_carried_to_its_own_field() -> None:
    assert told_by("Wei-Lin Chou, 3.4.1985") == {"legal_name": "Wei-Lin Chou", "born_on": "3 April 1985"}
    assert told_by("1985-04-03 wei@example.org") == {"email": "wei@example.org", "born_on": "3 April 1985"}


def test_an_index_serves_the_date_of_birth(two_thousand: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # two thousand rows are read faster as they stand
    assert "client_born_on" in Client.objects.matching("03/04/1985").best_first("03/04/1985").explain()


# ---- typos ----------------------------------------------------------------------------------------------------

GIVEN = """
    Alice Marek Hannah Claire Kwame Ingrid Priya Tom Leila Sofia Emeka Freya Daniel Wei-Lin Niamh Rosa Yusuf Zofia
    Ben Grace Ana-Maria Anton Mei Lucas Farah Oskar Martha Paolo Aisha Bruno Elif Noor Jonas Inês Rui Siobhán Ondřej
    Li Bo Jo Ng Ola Théo Søren Łukasz Çağla Ömer Nguyễn Þóra Åsa Ольга Иван Юлия Дмитрий Σοφία Γιώργος Ελένη
    محمد فاطمة نور דוד שרה אברהם 美咲 太郎 明子 지훈 서연 สมชาย मीरा அனிதா Նարեկ ნინო
"""
FAMILY = """
    Moreau Nowicki Osei Dubois Boateng Solberg Raghunathan Whitlock Haddad Castellanos Okafor Andersen Katz Chou
    O’Sullivan D'Angelo Jiménez Demir Wiśniewska Achterberg Popescu Petrov Tanaka Siddiqui Lindgren Jensen Ricci
    Keller Brandt Carvalho Nunes Ngô Ng Wu Müller Großmann Škoda Żak Иванова Соколов Παπαδοπούλου חיים الأنصاري
    山田 佐藤 김 ไทย शर्मा Սարգսյան ბერიძე Fitz-Gerald Sá Oz
"""
TYPOS = ("swap", "drop", "double", "replace")


def seeded(seed: str) -> Random:
    return Random(seed)  # noqa: S311  # the same names and slips at every run


def with_typo(word: str, kind: str, random: Random) -> str:
    """Return the word with one slip of the fingers in it, but not on a letter that is written as two: Þ, ß."""
    at = random.choice([n for n in range(len(word) - (kind == "swap")) if not {"Þ", "ß"} & set(word[n : n + 2])])
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[: at + 1] + word[at:]
    return word[:at] + random.choice(word[:at] + word[at + 1 :] + "x").replace("Þ", "x") + word[at + 1 :]


def full_names(random: Random, count: int) -> list[str]:
    """Return different believable names, some of one word, some of three."""
    names: set[str] = set()
    while len(names) < count:
        parts = [random.choice(GIVEN.split()), *random.sample(FAMILY.split(), random.choice([1, 1, 1, 2]))]
        names.add(" ".join(dict.fromkeys(parts)))
    return sorted(names)


@pytest.fixture
def two_thousand(clinic: object) -> list[str]:
    random = seeded("20261120")
    names = full_names(random, 2000)
    Client.objects.bulk_create(
        Client(
            legal_name=name, email=f"c{number}@example.org", created_at=BEFORE,
            phone=f"+3519{random.randrange(10**7, 10**8)}",
        )
        for number, name in enumerate(names)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE people_client")
    return names


@pytest.mark.parametrize("kind", TYPOS)
def test_a_name_typed_with_one_typo_finds_the_person_among_the_first_five(
    two_thousand: list[str], dana: User, kind: str
) -> None:
    random = seeded(kind)
    missed = []
    for name in random.sample([name for name in two_thousand if max(map(len, name.split())) > 2], 80):
        words = name.split()
        # A name of two letters, swapped or without one of them, is the beginning of many another.
        shortest = 3 if kind in {"swap", "drop"} else 2
        at = random.choice([n for n, word in enumerate(words) if len(word) >= shortest])
        words[at] = with_typo(words[at], kind, random)
        typed = " ".join(words)
        if name not in found_for(typed, dana)[:5]:
            missed.append((name, typed))
    assert missed == []


def test_a_name_typed_without_accents_in_any_order_finds_the_person(two_thousand: list[str], dana: User) -> None:
    plain = str.maketrans("áéíóúêôçãśżźłşğüöøåńřěňž’ÇÖŁŻŠÅ", "aeioueocaszzlsguooanrenz'COLZSA")
    random = seeded("7")
    for name in random.sample(two_thousand, 100):
        words = name.translate(plain).lower().split()
        random.shuffle(words)
        assert name in found_for(" ".join(words), dana)[:5], (name, words)


def test_four_digits_of_a_phone_find_everybody_who_has_them(two_thousand: list[str], dana: User) -> None:
    random = seeded("8")
    for client in random.sample(list(Client.objects.all()), 20):
        number = str(client.phone).removeprefix("+")
        written = random.choice(["+{}", "00{}", "({}", "{}"]).format(number)
        spaced = written[:5] + " " + written[5:8] + "-" + written[8:]
        assert client.legal_name in found_for(spaced, dana), spaced
        local = "0" + number[3:6] + " (" + number[6:9] + ") " + number[9:]
        assert client.legal_name in found_for(local, dana), local
        some = number[-5:]
        assert Client.objects.matching(f"{some[:2]} {some[2:]}").filter(pk=client.pk).exists()


def test_the_indexes_serve_both_steps(two_thousand: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # two thousand rows are read faster as they stand
    exactly, nearly = Client.objects.matching("whitl"), Client.objects.resembling("whtilock jnoas")
    assert "client_found_by" in exactly.best_first("whitl").explain()
    plan = nearly.best_first("whtilock jnoas").explain()
    assert "client_found_by" in plan
    assert "client_name_typos" in plan
    assert "Seq Scan" not in plan
    assert "client_name_typos" in Client.objects.resembling("Ольаг").explain()


# ---- the recent ones ------------------------------------------------------------------------------------------


def test_before_anything_is_typed_those_stand_first_whom_she_opened_last(
    as_dana: Browser, dana: User, olga: User, now: datetime
) -> None:
    clients = [ClientFactory(legal_name=f"Client {n}", created_at=BEFORE + timedelta(hours=n)) for n in range(12)]
    for minutes, number in ((40, 3), (30, 5), (20, 3), (10, 0)):
        Look.objects.create(
            by=dana, client_pk=clients[number].pk, what="people.client", what_pk=clients[number].pk, why="contact",
            at=now - timedelta(minutes=minutes),
        )  # fmt: skip
    Look.objects.create(
        by=olga, client_pk=clients[7].pk, what="people.client", what_pk=clients[7].pk, why="contact", at=now
    )
    assert options(as_dana) == [f"Client {n}" for n in (0, 3, 5, 11, 10, 9, 8, 7)]


def test_a_client_who_was_archived_since_is_no_recent_one(as_dana: Browser, now: datetime) -> None:
    client = ClientFactory(legal_name="Ana Reis")
    as_dana.get(reverse("desk:client", args=[client.pk]))
    assert options(as_dana) == ["Ana Reis"]
    Client.objects.update(archived_at=now)
    assert options(as_dana) == []


# ---- the fragment ---------------------------------------------------------------------------------------------


def test_namesakes_are_told_apart_by_pronouns_birthday_and_phone(as_dana: Browser) -> None:
    ClientFactory(legal_name="Ana Reis", preferred_name="Nina", pronouns="she/her", phone="+351912345678")
    html = as_dana.get(SEARCH, {"q": "reis"}).content.decode()
    for told in ("Nina Reis", "Ana Reis", "she/her", "born 14 Mar 1988", "+351 912 345 678"):
        assert told in html


def test_it_offers_at_most_eight_and_to_add_the_name_that_was_typed(as_dana: Browser) -> None:
    ClientFactory.create_batch(SHOWN + 4)
    html = as_dana.get(SEARCH, {"q": "Client <Num>"}).content.decode()
    assert len(options(as_dana, "client num")) == SHOWN
    assert "Add “Client &lt;Num&gt;” as a new client" in html
    assert "/clients/new/?legal_name=Client+%3CNum%3E" in html
    assert html.count('role="option"') == SHOWN + 1


@pytest.mark.parametrize("typed", ["912 345", "ana@example.org"])
def test_a_number_or_an_address_is_not_offered_as_a_name(as_dana: Browser, typed: str) -> None:
    html = as_dana.get(SEARCH, {"q": typed}).content.decode()
    assert f"Add “{typed}” as a new client" in html
    assert "legal_name=" not in html


def test_it_says_how_many_there_are(as_dana: Browser) -> None:
    ClientFactory(legal_name="Ana Reis")
    assert re.search(r"data-said>1 client<", as_dana.get(SEARCH, {"q": "ana"}).content.decode())
    assert re.search(r"data-said>Nobody found<", as_dana.get(SEARCH, {"q": "xyzzy"}).content.decode())


def test_it_is_never_stored_and_tells_nothing_but_names_and_numbers(as_dana: Browser, alice: Client) -> None:
    answer = as_dana.get(SEARCH, {"q": "alice"})
    assert "no-store" in answer["Cache-Control"]
    assert "<html" not in answer.content.decode()
    assert not Look.objects.exists()


def test_it_asks_the_database_no_more_than_it_needs(as_dana: Browser, django_assert_num_queries) -> None:
    ClientFactory.create_batch(30)
    as_dana.get(SEARCH)
    for typed, queries in (("client", 3), ("client number", 3), ("clinet nmuber", 4), ("nobody at all", 5)):
        # Session and user; then who fits, who nearly fits, who was archived.
        with django_assert_num_queries(queries):
            as_dana.get(SEARCH, {"q": typed})


def test_the_list_shows_who_nearly_fits_and_pages_through_the_rest(as_dana: Browser) -> None:
    ClientFactory.create_batch(30)
    siobhan = ClientFactory(legal_name="Siobhán Byrne")
    assert as_dana.get(LIST, {"q": "sioban bryne"})["Location"] == reverse("desk:client", args=[siobhan.pk])
    page = as_dana.get(LIST, {"q": "client", "page": 2}).context["page"]
    assert (page.number, len(page)) == (2, 5)


def test_a_search_inside_another_query_names_the_column_of_the_right_table(clinic: object) -> None:
    ana = ClientFactory(legal_name="Ana Reis")
    ClientFactory(legal_name="Otto Berg")
    assert list(Client.objects.filter(pk__in=Client.objects.matching("reis").values("pk"))) == [ana]


# ---- who is meant exactly stands first -----------------------------------------------------------------------


def test_a_phone_whose_digits_begin_with_zeros_comes_before_those_that_only_have_the_rest(
    clinic: object, dana: User
) -> None:
    for number in range(2 * SHOWN):
        ClientFactory(legal_name=f"Ana Reis {number:02}", phone=f"+3519123412{number:02}")
    meant = ClientFactory(legal_name="Zita Sá", phone="+351912001234")
    assert suggestions("001 234", dana).clients[0] == meant
    assert suggestions("912 001 234", dana).clients[0] == meant


def test_a_phone_that_ends_so_comes_before_those_that_have_it_somewhere(clinic: object, dana: User) -> None:
    for number in range(2 * SHOWN):
        ClientFactory(legal_name=f"Ana Reis {number:02}", phone=f"+3519345678{number:02}")
    meant = ClientFactory(legal_name="Zita Sá", phone="+351911345678")
    assert suggestions("345678", dana).clients[0] == meant
    assert suggestions("0345678", dana).clients[0] == meant


def test_the_whole_e_mail_comes_before_those_that_end_so(clinic: object, dana: User) -> None:
    for number in range(2 * SHOWN):
        ClientFactory(legal_name=f"Ana Reis {number:02}", email=f"mari{'a' * number}ana@example.org")
    child = ClientFactory(legal_name="Zoe Sá", email="", guardian_name="Zita Sá", guardian_email="ana@example.org")
    meant = ClientFactory(legal_name="Zita Sá", email="ana@example.org")
    assert suggestions("Ana@Example.org", dana).clients[:2] == [meant, child]


def test_of_many_with_one_name_a_phone_beside_it_tells_her(clinic: object, dana: User) -> None:
    for number in range(2 * SHOWN):
        ClientFactory(legal_name="Ana Reis", phone=f"+3519300000{number:02}")
    meant = ClientFactory(legal_name="Ana Reis", phone="+351912345678")
    for typed in ("Ana Reis 0912345678", "ana reis 912 345 678", "Ana 5678"):
        assert suggestions(typed, dana).clients == [meant]
