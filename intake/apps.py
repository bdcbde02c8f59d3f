from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "intake"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from django.utils.translation import gettext_lazy as _

        from clinic.audit.kinds import closed_acts
        from clinic.people.changes import client_changes
        from clinic.people.merging import merge_steps
        from clinic.people.settings_page import upper_groups
        from clinic.people.worklist import worklists
        from clinic.reminders.kinds import message_kinds
        from clinic.scheduling.badges import badge_providers
        from clinic.scheduling.gates import gates, online_stops
        from intake import alerts, asking, clearing, evaluating, merging, review_queue, rules_page, standing, today
        from intake.settings_rows import SETTINGS

        for label in ("finding", "clearance", "document", "letter"):
            closed_acts.register(f"intake.{label}", _("treatment record"))
        gates.register("intake", standing.gate)
        online_stops.register("intake", standing.stops_online)
        badge_providers.register("intake", standing.badges)
        badge_providers.register("check_in", today.badges)
        client_changes.register("intake", evaluating.client_changed)
        worklists.register("reviews", review_queue.REVIEWS)
        worklists.register("clearances", clearing.ENDING)
        merge_steps.register("intake", merging.STEP)
        upper_groups.register("intake", SETTINGS)
        message_kinds.register("intake_request", asking.REQUEST)
        message_kinds.register("intake_before_visit", asking.BY_ITSELF)
        message_kinds.register("finding_alert", alerts.ALERT)
        upper_groups.register("rules", rules_page.SETTINGS)
