"""R1 to R8 of the table of faults: each does its worst to a house at work, and counts what came of it."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from clinic.celery import app
from clinic.people.models import User
from clinic.reminders import outbox
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import SlotTaken, cancel_appointment, move_appointment
from tests.drills import walls
from tests.drills.filling import MINUTES, empty, is_drained, put_visits, write_by
from tests.drills.house import CONCURRENCY, PYTHON, House

# Sweeps each second, pauses and leases in seconds: what is shown is the same, in less time.
HURRY = 1.0
FLAKY = {"latency": 0.01, "temporary": 0.15, "vanishing": 0.15, "half": 0.5, "permanent": 0.01}
FLOOR_SHARE, PER_WORKER, CLAIMS, RSS_MB, R1_SECONDS = 0.6, 1_000, 20_000, 150, 150
BACK_WITHIN = {"broker": 60, "database": 30}
# What never comes back without its protection need not be waited for as long.
AT_MOST_WITHOUT = 10
SEEN_WITHIN = timedelta(minutes=5)
MANY = 5_000


@dataclass
class Figures:
    """What an experiment found; `wrong` holds a sentence for each thing that is off."""

    lost: int = 0
    doubled: int = 0
    uncertain: int = 0
    kills: int = 0
    facts: dict[str, float | int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: object, sentence: str) -> None:
        """Write down what is off, if it is."""
        if not holds:
            self.wrong.append(sentence)

    def expect_none_lost_or_doubled(self) -> None:
        self.expect(not self.lost, f"{self.lost} lost")
        self.expect(not self.doubled, f"{self.doubled} doubled")


@dataclass(frozen=True)
class Experiment:
    """One row of the table, and the protection without which it must fail."""

    title: str
    run: Callable[[House, int, str], Figures]
    # How many of all messages it takes, and at most.
    share: float
    most: int
    without: str
    # As few as show what the protection is for.
    messages_without: int = 100


def size_of(experiment: Experiment, messages: int) -> int:
    """Return how many messages an experiment takes, of so many in all."""
    return max(100, min(experiment.most, int(messages * experiment.share)))


def again(messages: int, at_most: int) -> int:
    """Return how often something is struck: all the times of the table in a drill of full size."""
    return max(1, min(at_most, messages // 100))


# --- Common to all


@contextmanager
def counting(
    house: House, visits: int, channel: str = "email", minutes: int = MINUTES, **behaviour: float
) -> Iterator[Figures]:
    """Put visits into an emptied book, and count at the end what became of their messages."""
    empty(os.environ["MIGRATION_DATABASE_URL"])
    write_by(channel)
    put_visits(visits, datetime.now(UTC), minutes=minutes)
    house.sink.behave(**behaviour)
    house.kills = 0
    figures = Figures()
    yield figures
    count_up(house, visits, figures, refuses="permanent" in behaviour)


def count_up(house: House, visits: int, figures: Figures, *, refuses: bool = False) -> None:
    """Compare what the outbox says with what the sink passed on; `refuses`: the sink says no for good to some."""
    passed_on = Counter(key for key, _at in house.sink.taken())
    reached: Counter[tuple[int, int]] = Counter()
    fine = 0
    for pk, key, subject, slot, state in Message.objects.filter(kind="reminder").values_list(
        "pk", "key", "subject_pk", "slot", "state"
    ):
        times = passed_on.pop(str(pk), 0) + passed_on.pop(str(key), 0)
        reached[subject, slot] += times
        # What is called sent and was never passed on is as lost as what was never written down, or was given up.
        fine += state == "uncertain" or (state == "failed" and refuses) or (state == "sent" and times > 0)
    figures.lost = max(0, visits - fine)
    figures.doubled = sum(times - 1 for times in reached.values() if times > 1) + sum(passed_on.values())
    figures.uncertain = Message.objects.filter(state="uncertain").count()
    figures.kills = house.kills


def drained(house: House, count: int, seconds: float) -> bool:
    """Wait until everything was dealt with."""
    return house.wait(lambda: is_drained(count), seconds, every=0.1 if count < MANY else 1)


def half_way(house: House, count: int, before: int = 0) -> None:
    """Wait until half of what is on its way was passed on."""
    house.wait(lambda: house.sink.count() >= before + count // 2, 60)


# --- R1


def volume(house: House, count: int, without: str) -> Figures:
    """R1: everything at once, four workers, and what each step costs."""
    with counting(house, count) as figures:
        if not without:
            figures.facts |= {"claims_per_second": claims_per_second(count), "floor_per_second": floor(house, count)}
            Message.objects.all().delete()
            house.sink.behave()
        house.most_rss_mb = 0
        with house.working(without=without, times=5 if without else 0):
            began = time.monotonic()
            app.send_task("clinic.reminders.tasks.sweep")
            in_time = drained(house, count, max(R1_SECONDS, count / 200))
            took = time.monotonic() - began
    figures.expect_none_lost_or_doubled()
    if not without:
        figures.facts |= {
            "messages": count, "messages_per_second": rate(house), "seconds": round(took, 1),
            "worker_rss_mb": round(house.most_rss_mb), **one_worker(house, count),
        }  # fmt: skip
        judge_volume(figures, in_time=in_time)
    return figures


def rate(house: House) -> int:
    """Return how many messages a second were passed on, from the first to the last."""
    moments = [at for _key, at in house.sink.taken()]
    return round((len(moments) - 1) / ((moments[-1] - moments[0]) / 1e9)) if len(moments) > 1 else 0


def judge_volume(figures: Figures, *, in_time: bool) -> None:
    """Compare the figures with what is asked for."""
    facts = figures.facts
    figures.expect(in_time and facts["seconds"] <= R1_SECONDS, f"took {facts['seconds']} s, over {R1_SECONDS}")
    share = facts["messages_per_second"] / facts["floor_per_second"]
    figures.expect(share >= FLOOR_SHARE, f"{share:.0%} of the floor, under {FLOOR_SHARE:.0%}")
    alone = facts["messages_per_second_of_one_worker"]
    figures.expect(alone >= PER_WORKER, f"{alone} messages/s of one worker, under {PER_WORKER}")
    figures.expect(facts["claims_per_second"] >= CLAIMS, f"{facts['claims_per_second']} claims/s, under {CLAIMS}")
    figures.expect(facts["worker_rss_mb"] <= RSS_MB, f"{facts['worker_rss_mb']} MB for a worker, over {RSS_MB}")


def one_worker(house: House, count: int) -> dict[str, int]:
    """Return how many messages a second one worker sends alone, and how long a processor works for it on each."""
    few = min(count, 10_000)
    with counting(house, few), house.working(workers=1):
        began = house.busy_seconds()
        app.send_task("clinic.reminders.tasks.sweep")
        drained(house, few, max(60, few / 100))
        busy = house.busy_seconds() - began
    return {"messages_per_second_of_one_worker": rate(house), "microseconds_of_a_worker_each": round(busy / few * 1e6)}


def claims_per_second(count: int) -> int:
    """Find, write down and claim everything, and send nothing."""
    now = datetime.now(UTC)
    began = time.monotonic()
    outbox.prepare(now)
    claimed = 0
    for _channel, pks in outbox.due_batches(now):
        claimed += len(outbox.claim(now, only=pks).pks)
    assert claimed == count, f"{claimed} of {count} were claimed"
    return round(count / (time.monotonic() - began))


def floor(house: House, count: int) -> int:
    """Return how many messages a second could be sent at best, by as many processes and threads."""
    few = min(count, 20_000)
    env = os.environ | {"EMAIL_URL": f"smtp://127.0.0.1:{house.sink.mail_port}"}
    command = [PYTHON, "-m", "tests.drills.floor"]
    each = -(-few // house.hands)
    processes = [
        subprocess.Popen(
            [*command, *map(str, (number, house.hands, CONCURRENCY, each))],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(house.hands)
    ]  # fmt: skip
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate()[0].split() for process in processes]
    return round(sum(int(sent) for sent, _took in told) / max(float(took) for _sent, took in told))


# --- R2, R3


def crashes_with_keys(house: House, count: int, without: str) -> Figures:
    """R2: workers are killed, the provider fails and goes silent; it knows a message by its key."""
    with counting(house, count, "text", **FLAKY, keys=without != "keys") as figures:
        killed_while_working(house, count, keys=True, without=without)
    figures.expect_none_lost_or_doubled()
    expect_few_failed(count, figures)
    return figures


def crashes_without_keys(house: House, count: int, without: str) -> Figures:
    """R3: the same with a provider that knows no keys; what nobody can know waits for a person."""
    with counting(house, count, "text", **FLAKY) as figures:
        killed_while_working(house, count, keys=without == "keys", without=without)
    interrupted = Message.objects.filter(state="uncertain", problem="The sending was interrupted.").count()
    figures.facts["uncertain_by_kills"] = interrupted
    figures.expect_none_lost_or_doubled()
    expect_few_failed(count, figures)
    figures.expect(interrupted <= figures.kills * CONCURRENCY, f"{interrupted} uncertain by {figures.kills} kills")
    seen_after = walls.seen_after(house)
    figures.facts["seen_after_seconds"] = round(seen_after.total_seconds())
    figures.expect(seen_after <= SEEN_WITHIN, f"staff see it only after {seen_after}")
    return figures


def expect_few_failed(count: int, figures: Figures) -> None:
    """Expect that only those are given up which the provider refuses for good, one in seventy or so."""
    failed = Message.objects.filter(state="failed").count()
    figures.facts["failed"] = failed
    figures.expect(failed <= count / 10, f"{failed} of {count} failed")


def killed_while_working(house: House, count: int, *, keys: bool, without: str) -> None:
    """Kill one worker after the other while there is work."""
    kills = again(count, 20)
    with house.working(keys=keys, hurry=HURRY, without=without):
        for number in range(kills):
            done = house.sink.count()
            house.wait(lambda: house.sink.count() >= min(done + count // (2 * kills), count * 0.8), 30)  # noqa: B023
            house.kill_worker(number)
        drained(house, count, 60 + count / 20)


# --- R4, R5


def broker_lost(house: House, count: int, without: str) -> Figures:
    """R4: the broker is emptied, stopped and killed at half-way."""
    hows = [how for how in ("flush", "stop", "kill") for _ in range(again(count, 10))]
    return struck(house, count, hows[: 1 if without else None], house.strike_broker, "broker", without)


def database_restarted(house: House, count: int, without: str) -> Figures:
    """R5: the database is stopped and killed in the middle of batches."""
    hows = ["stop", "kill"] * max(1, again(count, 10) // 2)
    return struck(house, count, hows[: 1 if without else None], house.strike_database, "database", without)


def struck(
    house: House, count: int, hows: list[str], strike: Callable[[str], None], what: str, without: str
) -> Figures:
    """Strike again and again at half-way through some messages, and time how long it takes to drain."""
    each = max(50, count // len(hows))
    longest, late, done = 0.0, 0, 0
    within = AT_MOST_WITHOUT if without else BACK_WITHIN[what]
    beats = 0 if without == "sweep" else 1
    now = datetime.now(UTC)
    with (
        counting(house, 0, latency=0.02) as figures,
        house.working(hurry=HURRY, beats=beats, without=without),
    ):
        for how in hows:
            before = house.sink.count()
            put_visits(each, now, behind=done)
            done += each
            if without == "sweep":
                app.send_task("clinic.reminders.tasks.sweep")
            half_way(house, each, before)
            strike(how)
            began = time.monotonic()
            is_back = drained(house, done, within)
            longest = max(longest, time.monotonic() - began)
            late += not is_back
    count_up(house, done, figures)
    figures.facts |= {"strikes": len(hows), "longest_seconds": round(longest, 1)}
    figures.expect(not figures.lost, f"{figures.lost} lost")
    # Between the provider's yes and our commit nobody can know; such a one is uncertain, and not sent again.
    figures.expect(not figures.doubled, f"{figures.doubled} doubled")
    figures.expect(not late, f"{late} of {len(hows)} times not drained within {within} s")
    return figures


# --- R6


def beats(house: House, count: int, without: str) -> Figures:
    """R6: two beats, each task delivered five times; then one that was away for half an hour."""
    with (
        counting(house, count) as figures,
        house.working(hurry=HURRY, beats=2, times=5, without=without),
    ):
        drained(house, count, AT_MOST_WITHOUT if without else 60 + count / 20)
    figures.expect_none_lost_or_doubled()
    if not without:
        walls.after_half_an_hour(house, figures)
    return figures


# --- R7


def clock_changes(house: House, count: int, without: str) -> Figures:
    """R7: whoever lives where the clocks change is reminded once, at the right time, and not at night."""
    return walls.clock_changes(house, count, without)


# --- R8


def changed_at_the_moment(house: House, count: int, without: str) -> Figures:
    """R8: visits are cancelled and moved while their messages are claimed; who was told must not be written to."""
    begun_before: dict[int, bool] = {}
    with (
        counting(house, count, minutes=60, latency=0.002) as figures,
        house.working(hurry=HURRY, without=without),
    ):
        house.wait(lambda: house.sink.count() > 0, 60)
        change_all(begun_before)
        house.wait(nothing_is_due, 60 + count / 20)
    passed_on = {int(key) for key, _at in house.sink.taken()}
    after = sum(pk in passed_on for pk, begun in begun_before.items() if not begun)
    begun = [pk for pk, has_begun in begun_before.items() if has_begun]
    figures.lost = Message.objects.filter(pk__in=begun).exclude(state__in=["sent", "uncertain"]).count()
    figures.facts |= {
        "changed": len(begun_before), "before_the_sending": sum(not begun for begun in begun_before.values()),
        "sent_after_the_change": after,
    }  # fmt: skip
    figures.expect(not after, f"{after} sendings began after the change was committed")
    figures.expect_none_lost_or_doubled()
    figures.expect(figures.facts["before_the_sending"], "no change came before its sending: nothing was tried")
    return figures


def nothing_is_due() -> bool:
    """Say whether nobody has anything in hand, or to take in hand; what was moved waits for second thoughts."""
    in_hand = Message.objects.filter(state__in=["claimed", "sending"])
    return not (in_hand.exists() or Message.objects.due(datetime.now(UTC)).exists())


def change_all(begun_before: dict[int, bool]) -> None:
    """Cancel or move each visit whose message is still to come, by several hands, and note which had begun."""
    olga = User.objects.get(email="olga@example.org")
    visits = list(Appointment.objects.select_related("therapist", "location").order_by("-starts_at"))

    def change(number: int, visit: Appointment) -> None:
        with transaction.atomic():
            if number % 2:
                cancel_appointment(by=olga, now=datetime.now(UTC), appointment=visit)
            else:
                move_away(olga, visit)
            # We hold the visit: what has not begun by now must not begin any more.
            waits = ["waiting", "claimed", "retry"]
            for pk, state in Message.objects.filter(
                subject_pk=visit.pk, kind="reminder", about_at=visit.starts_at
            ).values_list("pk", "state"):
                begun_before[pk] = state not in waits

    def several(mine: list[tuple[int, Appointment]]) -> None:
        for number, visit in mine:
            with suppress(SlotTaken):  # somebody held it too long; it stays where it was
                change(number, visit)
        connection.close()

    numbered = list(enumerate(visits))
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(several, [numbered[hand::CONCURRENCY] for hand in range(CONCURRENCY)]))


def move_away(olga: User, visit: Appointment) -> None:
    """Move a visit far into the future, to a time that is nobody else's."""
    move_appointment(
        by=olga, now=datetime.now(UTC), appointment=visit, starts_at=visit.starts_at + timedelta(days=60),
        override_reason="drill",
    )  # fmt: skip


EXPERIMENTS = {
    "R1": Experiment("volume", volume, 1, 10**9, "claim", 500),
    "R2": Experiment("killed, flaky, keys", crashes_with_keys, 0.04, 4_000, "keys"),
    "R3": Experiment("killed, flaky, no keys", crashes_without_keys, 0.04, 4_000, "keys"),
    "R4": Experiment("broker lost", broker_lost, 0.06, 6_000, "sweep", 400),
    "R5": Experiment("database restarted", database_restarted, 0.02, 2_000, "lease", 200),
    "R6": Experiment("beats", beats, 0.02, 2_000, "claim"),
    "R7": Experiment("clock changes", clock_changes, 0.1, 10_000, "walls"),
    "R8": Experiment("changed when claimed", changed_at_the_moment, 0.01, 1_000, "look_again", 200),
}
