"""Let a message be claimed and begun where it lies, without touching an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0004_policies"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="message",
            name="message_open_by_due",
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_needs_a_person",
        ),
        migrations.AddField(
            model_name="message",
            name="is_open",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Q(("state__in", ["waiting", "retry", "claimed", "sending"])),
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="is_trouble",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Q(("settled_at__isnull", True), ("state__in", ["failed", "uncertain"])),
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("is_open", True)), fields=["due_at"], name="message_open_by_due"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("is_trouble", True)), fields=["client"], name="message_needs_a_person"
            ),
        ),
        # Room in each page for the next version of its rows.
        migrations.RunSQL(
            "ALTER TABLE reminders_message SET (fillfactor = 50)", "ALTER TABLE reminders_message RESET (fillfactor)"
        ),
    ]
