"""Write what clients have answered about the room into their records, where nothing stands yet."""

from django.db import migrations

QUESTIONS = {
    "room_light": ("light", {"dark", "dim", "normal"}),
    "room_sound": ("sound", {"silence", "quiet"}),
    "room_scent": ("scent", {"none", "light"}),
    "room_temperature": ("temperature", {"cool", "normal", "warm"}),
    "room_talk": ("talk", {"little", "some"}),
    "table_angle": ("table_angle", {"flat", "raised"}),
}


def take_over(apps, schema_editor):
    clients = apps.get_model("people", "Client").objects
    sent = apps.get_model("intake", "Submission").objects.filter(submitted_at__isnull=False)
    # The newest answers first: whatever older ones say about the same thing finds it written.
    for client_pk, answers in sent.order_by("-submitted_at", "-pk").values_list("client_id", "answers"):
        for code, (field, known) in QUESTIONS.items():
            if answers.get(code) in known:
                clients.filter(**{"pk": client_pk, field: ""}).update(**{field: answers[code]})


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_first_versions"), ("people", "0004_history_only_added")]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
