from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "clinic.lib"

    def ready(self) -> None:
        from clinic.lib import constraints
        from clinic.lib import lookups as _lookups  # noqa: F401  # registers them

        constraints.say_rules()
