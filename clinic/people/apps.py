from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "clinic.people"

    def ready(self) -> None:
        """Fill the registries of the room below, and our own."""
        from clinic.people.history import register_histories
        from clinic.people.importing.clients import CLIENTS
        from clinic.people.importing.kinds import register_kind
        from clinic.people.importing.therapists import THERAPISTS
        from clinic.people.lacking import LOCATION, MODALITY, needs
        from clinic.people.leaving import clients_left, remains
        from clinic.people.licences import LICENCES
        from clinic.people.merging import merge_steps
        from clinic.people.services.merge_step import STEP
        from clinic.people.worklist import worklists

        merge_steps.register("people", STEP)
        register_histories()
        register_kind(CLIENTS)
        register_kind(THERAPISTS)
        worklists.register("licences", LICENCES)
        needs.register("modality", MODALITY)
        needs.register("location", LOCATION)
        remains.register("clients", clients_left)
