"""Two clients of the example who were written down twice: one pair was made one, the other is still to be found."""

from datetime import datetime, timedelta

from clinic.demo.founding import House
from clinic.people.models import Client
from clinic.people.services import create_client
from clinic.people.services.merging import merge_clients

MERGED, STILL_TWO = "Claire Dubois", "Priya Raghunathan"


def tell_of_twins(house: House, *, now: datetime) -> None:
    """Write two clients down again, as somebody does who is in a hurry; the front desk has seen one of them."""
    found = Client.objects.get(legal_name=MERGED)
    again = create_client(
        by=house.desk, now=now - timedelta(days=9), legal_name="Claire Dubois-Martin", born_on=found.born_on,
        phone=str(found.phone), alert="Asks for the early hours.",
    )  # fmt: skip
    merge_clients(by=house.desk, now=now - timedelta(days=4), kept=found, gone=again)
    twin = Client.objects.get(legal_name=STILL_TWO)
    create_client(
        by=house.desk, now=now - timedelta(days=1), legal_name="Pria Raghunatan", born_on=twin.born_on,
        phone=str(twin.phone), email="pria.r@example.net", address="Rua das Flores 12\n1200 Lisboa",
    )  # fmt: skip
