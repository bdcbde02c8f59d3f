from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "clinic.scheduling"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from clinic.people.merging import merge_steps
        from clinic.scheduling import merging

        merge_steps.register("scheduling", merging.STEP)
        from clinic.people.archiving import refusals
        from clinic.people.importing.kinds import register_kind
        from clinic.people.worklist import worklists
        from clinic.people.zones import register_zone_refusal
        from clinic.scheduling import keeping_clients, places
        from clinic.scheduling.importing import APPOINTMENTS
        from clinic.scheduling.rebooking import REBOOKING

        refusals.register("visits_to_come", keeping_clients.visits_to_come)
        refusals.register("visits at a place", places.visits_there)
        register_zone_refusal("visits", places.visits_by_the_old_clock)
        worklists.register("rebooking", REBOOKING)
        register_kind(APPOINTMENTS)
