"""The tables of this room, one module for each thing the desk would name."""

from clinic.scheduling.models.appointments import (
    MOVABLE,
    NOT_BEGUN,
    PROMISED,
    TAKING,
    UPCOMING,
    Appointment,
    AppointmentQuerySet,
    Status,
    StatusChange,
)
from clinic.scheduling.models.feeds import CalendarFeed
from clinic.scheduling.models.hours import FIRST_MONDAY, TimeOff, WeeklyHours, monday_of
from clinic.scheduling.models.online import OnlineConcern
from clinic.scheduling.models.rebooking import LONGEST_VISIT
from clinic.scheduling.models.series import Series
from clinic.scheduling.models.waitlist import Offer, OfferQuerySet, Wish, WishQuerySet

__all__ = [
    "FIRST_MONDAY",
    "LONGEST_VISIT",
    "MOVABLE",
    "NOT_BEGUN",
    "PROMISED",
    "TAKING",
    "UPCOMING",
    "Appointment",
    "AppointmentQuerySet",
    "CalendarFeed",
    "Offer",
    "OfferQuerySet",
    "OnlineConcern",
    "Series",
    "Status",
    "StatusChange",
    "TimeOff",
    "WeeklyHours",
    "Wish",
    "WishQuerySet",
    "monday_of",
]
