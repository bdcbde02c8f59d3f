"""Who waits for time in the example clinic, and what is offered to one of them."""

from datetime import datetime, time, timedelta

from clinic.demo.founding import House
from clinic.people.models import Client
from clinic.scheduling.matching import times_for
from clinic.scheduling.models import Wish
from clinic.scheduling.waitlist import Wished, add_wish, offer_time

# When she has gone home on most days: whoever can come only then waits until somebody cancels, or she stays longer.
AFTER_WORK = time(17)
SOONEST_OFFER = timedelta(days=2)


def tell_of_waiting(house: House, *, now: datetime) -> None:
    """Put three on the waitlist, of whom one has been offered a time just now."""
    bea = house.therapists[0]
    hers = Client.objects.active().filter(primary_therapist=bea).order_by("-pk")
    services = {service.name: service for service in house.services}
    evening = Wished(
        [services["Myofascial release, 60 min"]], [bea], not_before=AFTER_WORK, note="Works until half past four."
    )
    urgent = Wished(
        [services["Neck and shoulders, 45 min"]], [bea], not_before=AFTER_WORK, is_urgent=True, note="Phone any time."
    )
    any_time = Wished([services["Craniosacral, 45 min"], services["Swedish, 60 min"]])
    for client, wished, days in zip(hers[3:6], (evening, urgent, any_time), (9, 2, 5), strict=True):
        wish = add_wish(by=house.desk, now=now - timedelta(days=days), client=client, wished=wished)
    _offer(Wish.objects.with_all().get(pk=wish.pk), now=now)


def _offer(wish: Wish, *, now: datetime) -> None:
    """Offer the soonest time that leaves some hours to answer."""
    found = times_for([wish], now=now, earliest=now + SOONEST_OFFER)[wish.pk]
    offer_time(by=None, now=now, wish=wish, match=found[0])
