from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "clinic.scheduling"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from clinic.people.merging import merge_steps
        from clinic.scheduling import merging

        merge_steps.register("scheduling", merging.STEP)
        from clinic.people.archiving import refusals
        from clinic.people.worklist import worklists
        from clinic.scheduling import keeping_clients
        from clinic.scheduling.rebooking import REBOOKING

        refusals.register("visits_to_come", keeping_clients.visits_to_come)
        worklists.register("rebooking", REBOOKING)
