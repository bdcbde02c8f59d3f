from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "sessions"
    label = "treatment"  # "sessions" is the label of Django's own app

    def ready(self) -> None:
        """Tell the lower rooms what notes add to the calendar and to the day's open work, and what they forbid."""
        from clinic.people.leaving import remains
        from clinic.people.merging import merge_steps
        from clinic.people.worklist import worklists
        from clinic.scheduling.badges import badge_providers
        from clinic.scheduling.statuses import step_refusals
        from sessions import merging, open_work

        badge_providers.register("notes", open_work.note_badges)
        step_refusals.register("notes", open_work.refuse_undoing)
        worklists.register("notes", open_work.NOTES)
        remains.register("notes", open_work.notes_left)
        merge_steps.register("notes", merging.STEP)
