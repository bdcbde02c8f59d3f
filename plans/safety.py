"""Whether a way of working may be planned for a client at all."""

from datetime import date

from clinic.people.models import Client, Modality
from intake.safety import Verdict
from intake.services import verdict_for
from intake.standing import planned_visit


def planning_verdict(client: Client, modality: Modality, day: date) -> Verdict:
    """Ask the findings in force. Regions and pressure are decided in the session: only what holds everywhere stops."""
    return verdict_for(client, planned_visit(modality), day)
