from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "plans"

    def ready(self) -> None:
        from clinic.people.worklist import worklists
        from plans.pages import goals_in_words
        from plans.work import WORKLIST
        from sessions.goals import goal_words

        worklists.register("plans", WORKLIST)
        goal_words.register("plans", goals_in_words)
