"""What the pages say of a file as a whole, how large it may be, and that it does not stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from clinic.celery import app
from clinic.people.importing import table, working
from clinic.people.importing.forgetting import LEFT_OUT_STAY, forget_old_imports
from clinic.people.models import Client, Import
from clinic.people.tasks import forget_imports
from tests.factories import ClientFactory, UserFactory

TWO = "First name,Last name\nAna,Sousa\nRui,Gil\n"


def page(browser, job: Import) -> str:
    return browser.get(reverse("people:import", args=[job.pk])).content.decode()


def test_the_check_says_which_rows_above_the_header_are_left_out(bring, as_olga):
    job = bring("Our <clients>,\n" + TWO)
    assert job.new_count == 2
    assert "Row 1 stands above the names of the columns and is left out: “Our &lt;clients&gt;”." in page(as_olga, job)


def test_both_pages_say_where_letters_may_be_misread(bring, as_olga):
    job = bring("First name,Last name\nИван,Петров\n".encode("cp1251"))
    assert "its letters may have been misread" in page(as_olga, job)
    assert "Èâàí Ïåòðîâ" in page(as_olga, job)
    columns = as_olga.get(reverse("people:import-columns", args=[job.pk])).content.decode()
    assert "its letters may have been misread" in columns


def test_the_page_names_the_columns_that_are_not_recognised(send, as_olga):
    file = SimpleUploadedFile("people.csv", b"First name,Last name,Favourite tea,Gender\nAna,Sousa,mint,F\n")
    columns = send("/settings/import/new/clients/", {"file": file})["Location"]
    words = "This column is not recognised: Favourite tea. It is left out unless you say what it is."
    assert words in as_olga.get(columns).content.decode()
    send(columns, {"column_0": "first_name", "column_1": "last_name", "day_first": "1"})
    assert "not recognised" not in as_olga.get(columns).content.decode()


def test_that_problems_are_to_be_left_out_is_asked_beside_its_box(bring, send):
    job = bring("Full name,E-mail\nAna Sousa,\nRui Gil,nowhere\n")
    answer = send(f"/settings/import/{job.pk}/take-over/")
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["leaves_wrong"]
    assert not Client.objects.exists()


@pytest.mark.parametrize("value", ["Parent", "Home", "Doctor", "Cell", "Nom"])
def test_nobody_is_lost_above_a_cell_that_is_called_like_a_column(value, bring, take):
    columns = ["first_name", "last_name"]
    job = bring(f"Given,Family\nAna,Sousa\nRui,{value}\nEva,Reis\n", columns=columns)
    take(job)
    assert set(Client.objects.values_list("legal_name", flat=True)) == {"Ana Sousa", f"Rui {value}", "Eva Reis"}


def test_a_row_that_was_cut_becomes_nobody(bring, take):
    whole = "".join(f"Client {number},c{number}@example.org,{number}\n" for number in range(28))
    job = bring(f"Full name,E-mail,City\n{whole}Client 28,c28@example.org\nCli")
    assert (job.new_count, job.wrong_count) == (28, 2)
    take(job)
    assert not Client.objects.filter(legal_name="Cli").exists()


def test_the_page_names_how_many_rows_a_file_may_have(as_olga):
    def understood(kind: str) -> str:
        return as_olga.get(reverse("people:import-new", args=[kind])).content.decode()

    assert "At most 50,000 rows; split a longer file." in understood("clients")
    assert "At most 500 rows; split a longer file." in understood("therapists")


def test_a_longer_file_is_refused_in_one_sentence(send, monkeypatch):
    monkeypatch.setattr(table, "MOST_ROWS", 1)
    answer = send("/settings/import/new/clients/", {"file": SimpleUploadedFile("people.csv", TWO.encode())})
    assert answer.context["form"].errors["file"] == ["This file has more than 1 rows. Please split the file."]
    assert not Import.objects.exists()


def test_work_that_takes_too_long_stops_and_says_so(bring, take, monkeypatch):
    def write(**_: object) -> None:
        ClientFactory(legal_name="Half Written")
        raise SoftTimeLimitExceeded

    job = bring(TWO)
    monkeypatch.setitem(working._STEPS, Import.State.WRITING, write)
    take(job)
    assert job.state == "checked"
    assert "split the file" in job.why_stopped
    assert not Client.objects.exists()


def test_it_is_told_to_stop_before_it_is_killed():
    task = app.tasks["clinic.people.tasks.go_on_with_import"]
    assert task.soft_time_limit < task.time_limit < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def old(job: Import, state: str) -> Import:
    Import.objects.filter(pk=job.pk).update(at=timezone.now() - timedelta(days=8), state=state)
    return job


@pytest.mark.parametrize("state", ["uploaded", "checking", "checked", "failed"])
def test_a_file_that_nobody_took_over_does_not_stay(state, bring):
    old(bring(TWO), state)
    forget_imports()
    assert not Import.objects.exists()


@pytest.mark.parametrize("state", ["writing", "done", "undoing", "undone"])
def test_what_was_taken_over_stays(state, bring):
    old(bring(TWO), state)
    forget_imports()
    assert Import.objects.exists()


def test_a_file_of_this_week_stays(bring, now):
    job = bring(TWO)
    forget_old_imports(job.at + timedelta(days=6))
    assert Import.objects.exists()


def test_rows_that_were_left_out_stay_for_thirty_days(bring, take, as_olga):
    job = take(bring(TWO + "Eva,\n,\nCut"))
    assert job.left_out_count == 1
    forget_old_imports(job.done_at + LEFT_OUT_STAY)
    assert job.lines.exists()
    forget_old_imports(job.done_at + LEFT_OUT_STAY + timedelta(seconds=1))
    assert not job.lines.exists()
    assert "They are no longer kept here." in page(as_olga, job)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_a_worker_is_at_waits_for_the_next_time():
    eight_days_ago = timezone.now() - timedelta(days=8)
    job = Import.objects.create(kind="clients", state="checking", by=UserFactory(), at=eight_days_ago)
    elsewhere = connections.create_connection("default")
    try:
        elsewhere.set_autocommit(autocommit=False)
        with elsewhere.cursor() as cursor:
            cursor.execute("SELECT 1 FROM people_import WHERE id = %s FOR UPDATE", [job.pk])
        forget_imports()
        assert Import.objects.exists()
        elsewhere.rollback()
    finally:
        elsewhere.close()
    forget_imports()
    assert not Import.objects.exists()


def test_old_files_are_looked_for_every_hour():
    app.loader.import_default_modules()
    plan = settings.CELERY_BEAT_SCHEDULE["forget_imports"]
    assert plan["task"] == forget_imports.name
    assert plan["task"] in app.tasks
    assert plan["schedule"] == 3600
