from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "clinic.scheduling"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from clinic.audit.kinds import names
        from clinic.people.importing.kinds import register_kind
        from clinic.people.lacking import needs
        from clinic.people.leaving import remains
        from clinic.people.merging import merge_steps
        from clinic.people.refusals import archive_refusals, zone_refusals
        from clinic.people.services.places import location_steps
        from clinic.people.settings_page import upper_groups
        from clinic.people.worklist import worklists
        from clinic.scheduling import history, merging, refusals, waitlist_merging
        from clinic.scheduling.badges import badge_providers
        from clinic.scheduling.bookable import HOURS
        from clinic.scheduling.ending import ENDING, badges
        from clinic.scheduling.importing import APPOINTMENTS
        from clinic.scheduling.online_work import ONLINE
        from clinic.scheduling.rebooking import REBOOKING, visits_left
        from clinic.scheduling.services import close_with_clinic
        from clinic.scheduling.settings_rows import SETTINGS
        from clinic.scheduling.waitlist_page import WAITLIST

        merge_steps.register("scheduling", merging.STEP)
        merge_steps.register("waitlist", waitlist_merging.STEP)
        names.register("scheduling.appointment", history.visits)
        names.register("scheduling.series", history.series)
        names.register("scheduling.wish", history.wishes)
        archive_refusals.register("visits", refusals.visits_to_come)
        zone_refusals.register("visits", refusals.visits_by_the_old_clock)
        worklists.register("rebooking", REBOOKING)
        worklists.register("waitlist", WAITLIST)
        worklists.register("online", ONLINE)
        worklists.register("series", ENDING)
        badge_providers.register("series", badges)
        location_steps.register("closures", close_with_clinic)
        upper_groups.register("hours", SETTINGS)
        register_kind(APPOINTMENTS)
        needs.register("hours", HOURS)
        remains.register("visits", visits_left)
