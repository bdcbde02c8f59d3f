from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "clinic.lib"

    def ready(self) -> None:
        from clinic.lib import lookups  # noqa: F401  # registers them
