from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "intake"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from django.utils.translation import gettext_lazy as _

        from clinic.audit.kinds import closed_acts
        from clinic.people.merging import merge_steps
        from clinic.people.worklist import worklists
        from clinic.reminders.kinds import message_kinds
        from clinic.scheduling.badges import register_badges
        from clinic.scheduling.gates import register_gate
        from intake import asking, merging, standing

        closed_acts.register("intake.finding", _("treatment record"))
        register_gate("intake", standing.gate)
        register_badges("intake", standing.badges)
        worklists.register("reviews", standing.REVIEWS)
        merge_steps.register("intake", merging.STEP)
        message_kinds.register("intake_request", asking.REQUEST)
