from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "clinic.demo"

    def ready(self) -> None:
        """Let the example clinic's texts arrive in its mailbox, and lead the owner there."""
        from django.conf import settings

        from clinic.demo.mailbox import SETTINGS, Phones
        from clinic.people.settings_page import upper_groups
        from clinic.reminders.texting.providers import text_providers

        if settings.EMBEDDED:
            text_providers.register("mailbox", Phones)
        if settings.MAILBOX:
            upper_groups.register("mailbox", SETTINGS)
