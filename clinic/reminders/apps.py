from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "clinic.reminders"

    def ready(self) -> None:
        """Fill the registries of the rooms below, and our own with the kinds that scheduling gives rise to."""
        from django.conf import settings
        from django.core.checks import register

        from clinic.people.merging import merge_steps
        from clinic.people.settings_page import upper_groups
        from clinic.people.worklist import worklists
        from clinic.reminders import alerts, merging, offers, recall, requests, visits, work
        from clinic.reminders.channels import channels
        from clinic.reminders.kinds import message_kinds
        from clinic.reminders.settings_rows import SETTINGS
        from clinic.reminders.texting import channel, checks, console, providers, twilio, vonage
        from clinic.scheduling.badges import badge_providers

        message_kinds.register("booking", visits.BOOKING)
        message_kinds.register("series", visits.SERIES)
        message_kinds.register("series_again", visits.SERIES_AGAIN)
        message_kinds.register("moved", visits.MOVED)
        message_kinds.register("series_moved", visits.SERIES_MOVED)
        message_kinds.register("cancelled", visits.CANCELLED)
        message_kinds.register("series_cancelled", visits.SERIES_CANCELLED)
        message_kinds.register("reminder", visits.REMINDER)
        message_kinds.register("offer", offers.OFFER)
        message_kinds.register("declined", requests.DECLINED)
        message_kinds.register("recall", recall.RECALL)
        message_kinds.register("licence", alerts.LICENCE)
        message_kinds.register("channel_failing", alerts.FAILING)
        badge_providers.register("reminders", work.badges)
        worklists.register("messages", work.MESSAGES)
        worklists.register("replies", work.REPLIES)
        merge_steps.register("reminders", merging.STEP)
        upper_groups.register("messages", SETTINGS)
        channels["text"] = channel.TextChannel()
        providers.text_providers.register("twilio", twilio.Twilio.named)
        providers.text_providers.register("vonage", vonage.Vonage.named)
        providers.text_providers.register("consoletext", console.Console)
        register(checks.text_url_is_understood)
        register(checks.mail_service_is_secured)
        if settings.MAIL_SERVICE:
            from clinic.reminders import mail_services

            mail_services.listen()
