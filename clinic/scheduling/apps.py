from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "clinic.scheduling"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from clinic.audit.kinds import names
        from clinic.people.archiving import refusals
        from clinic.people.importing.kinds import register_kind
        from clinic.people.lacking import needs
        from clinic.people.leaving import remains
        from clinic.people.merging import merge_steps
        from clinic.people.settings_page import upper_groups
        from clinic.people.worklist import worklists
        from clinic.people.zones import register_zone_refusal
        from clinic.scheduling import history, keeping_clients, merging, places
        from clinic.scheduling.bookable import HOURS
        from clinic.scheduling.importing import APPOINTMENTS
        from clinic.scheduling.rebooking import REBOOKING, visits_left
        from clinic.scheduling.settings_rows import SETTINGS

        merge_steps.register("scheduling", merging.STEP)
        names.register("scheduling.appointment", history.visits)
        names.register("scheduling.series", history.series)
        refusals.register("visits_to_come", keeping_clients.visits_to_come)
        refusals.register("visits at a place", places.visits_there)
        register_zone_refusal("visits", places.visits_by_the_old_clock)
        worklists.register("rebooking", REBOOKING)
        upper_groups.register("hours", SETTINGS)
        register_kind(APPOINTMENTS)
        needs.register("hours", HOURS)
        remains.register("visits", visits_left)
