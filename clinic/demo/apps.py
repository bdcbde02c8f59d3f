from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "clinic.demo"

    def ready(self) -> None:
        """Let the example clinic's texts arrive in its mailbox."""
        from django.conf import settings

        from clinic.demo.mailbox import Phones
        from clinic.reminders.texting.providers import text_providers

        if settings.EMBEDDED:
            text_providers.register("mailbox", Phones)
