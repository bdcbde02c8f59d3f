from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "clinic.people"

    def ready(self) -> None:
        """Fill the registries of the room below."""
        from clinic.people.history import register_histories

        register_histories()
