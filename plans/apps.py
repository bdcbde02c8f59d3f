from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "plans"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _

        from clinic.audit.kinds import closed_acts
        from clinic.people.merging import merge_steps
        from clinic.people.worklist import worklists
        from plans import merging
        from plans.pages import goals_in_words
        from plans.work import WORKLIST
        from sessions.goals import goal_words

        for model in ("plan", "score"):
            closed_acts.register(f"plans.{model}", _("treatment record"))
        worklists.register("plans", WORKLIST)
        merge_steps.register("plans", merging.STEP)
        goal_words.register("plans", goals_in_words)
