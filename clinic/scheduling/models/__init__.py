"""The tables of this room, one module for each thing the desk would name."""

from clinic.scheduling.models.appointments import (
    MOVABLE,
    NOT_BEGUN,
    TAKING,
    UPCOMING,
    Appointment,
    AppointmentQuerySet,
    Status,
    StatusChange,
)
from clinic.scheduling.models.hours import FIRST_MONDAY, TimeOff, WeeklyHours, monday_of
from clinic.scheduling.models.series import Series

__all__ = [
    "FIRST_MONDAY",
    "MOVABLE",
    "NOT_BEGUN",
    "TAKING",
    "UPCOMING",
    "Appointment",
    "AppointmentQuerySet",
    "Series",
    "Status",
    "StatusChange",
    "TimeOff",
    "WeeklyHours",
    "monday_of",
]
