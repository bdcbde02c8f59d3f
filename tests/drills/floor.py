"""What nobody can do without: writing a letter, handing it over, and one durable commit. No queue, no claim, no check.

Run as several processes at once with as many threads as the workers have; each is told its share, says that it is
ready, and begins when it reads a line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import django

django.setup()

from django.db import connection  # noqa: E402  # the apps must be there first
from django.db.models import F  # noqa: E402

from clinic.reminders.channels import Letter, channels  # noqa: E402
from clinic.reminders.kinds import message_kinds  # noqa: E402
from clinic.reminders.models import Message  # noqa: E402
from clinic.reminders.writing import letter_or_obstacle, what_is_known  # noqa: E402

BATCH = 500


def share_of(number: int, of: int, count: int) -> list[Message]:
    """Return the messages that fall to this process."""
    mine = Message.objects.alias(part=F("pk") % of).filter(part=number)
    return list(mine.select_related("client")[:count])


def send_all(messages: Sequence[Message]) -> None:
    """Write, hand over and commit, one after the other."""
    now, kind = datetime.now(UTC), message_kinds["reminder"]
    with channels["email"].open() as line, connection.cursor() as cursor:
        for begins in range(0, len(messages), BATCH):
            some = messages[begins : begins + BATCH]
            known = what_is_known([one.client_id for one in some])
            contexts = kind.contexts([one.subject_pk for one in some], now)
            for one in some:
                letter = letter_or_obstacle(one, contexts[one.subject_pk], known, now)
                assert isinstance(letter, Letter)
                line.send(letter)
                cursor.execute("UPDATE reminders_message SET attempts = attempts + 1 WHERE id = %s", [one.pk])
    connection.close()


def main(number: int, of: int, threads: int, count: int) -> None:
    """Say when ready, begin when told, and print how many were sent in how many seconds."""
    mine = share_of(number, of, count)
    with ThreadPoolExecutor(threads) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        began = time.monotonic()
        list(pool.map(send_all, [mine[thread::threads] for thread in range(threads)]))
    sys.stdout.write(f"{len(mine)} {time.monotonic() - began}\n")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:5]))
