from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "clinic.scheduling"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from clinic.people.archiving import refusals
        from clinic.scheduling import keeping_clients

        refusals.register("visits_to_come", keeping_clients.visits_to_come)
