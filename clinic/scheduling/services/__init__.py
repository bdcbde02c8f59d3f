"""Every write. Each service is one transaction: lock therapists, rooms, client, visits; then check, then write.

The exclusion constraints are the last witness: whatever this code forgets, no two visits share a therapist or a room.
Every service returns the visit as it is afterwards, freshly read; the one passed in may be stale.
"""

from clinic.scheduling.services.booking import (
    accept_request,
    book_appointment,
    confirm_hold,
    hold_appointment,
    request_appointment,
)
from clinic.scheduling.services.hours import (
    add_time_off,
    add_weekly_hours,
    close_with_clinic,
    lock_absence,
    remove_time_off,
)
from clinic.scheduling.services.locks import expire_holds, lock_places, lock_rooms, lock_therapists, one_booking
from clinic.scheduling.services.moving import change_length, change_service, keep_appointment, move_appointment
from clinic.scheduling.services.plans import ChosenVisit
from clinic.scheduling.services.refusals import MOVED_MEANWHILE, SlotTaken
from clinic.scheduling.services.reviews import refresh_review_needed
from clinic.scheduling.services.series import MOST_VISITS, book_series
from clinic.scheduling.services.series_changes import (
    ChosenMove,
    Which,
    Wished,
    cancel_series,
    change_series,
    moves_along,
    visits_meant,
    wished_starts,
)
from clinic.scheduling.services.steps import (
    GRACE,
    Because,
    cancel_appointment,
    cancelled_as,
    change_status,
    free_until,
    hours_before,
)
from clinic.scheduling.services.undoing import may_undo, undo

__all__ = [
    "GRACE",
    "MOST_VISITS",
    "MOVED_MEANWHILE",
    "Because",
    "ChosenMove",
    "ChosenVisit",
    "SlotTaken",
    "Which",
    "Wished",
    "accept_request",
    "add_time_off",
    "add_weekly_hours",
    "book_appointment",
    "book_series",
    "cancel_appointment",
    "cancel_series",
    "cancelled_as",
    "change_length",
    "change_series",
    "change_service",
    "change_status",
    "close_with_clinic",
    "confirm_hold",
    "expire_holds",
    "free_until",
    "hold_appointment",
    "hours_before",
    "keep_appointment",
    "lock_absence",
    "lock_places",
    "lock_rooms",
    "lock_therapists",
    "may_undo",
    "move_appointment",
    "moves_along",
    "one_booking",
    "refresh_review_needed",
    "remove_time_off",
    "request_appointment",
    "undo",
    "visits_meant",
    "wished_starts",
]
