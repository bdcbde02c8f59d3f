"""An import keeps what its dry run counted, and what is needed to take it back. There were none before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0006_client_search"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="import",
            options={"verbose_name": "import"},
        ),
        migrations.RemoveConstraint(
            model_name="import",
            name="import_state_is_known",
        ),
        migrations.RemoveField(
            model_name="import",
            name="mapping",
        ),
        migrations.AddField(
            model_name="import",
            name="archived_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="import",
            name="asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="columns",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="import",
            name="day_first",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="import",
            name="doubt_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="import",
            name="doubts",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="import",
            name="findings_csv",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="here_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="import",
            name="kept",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="import",
            name="keys",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="import",
            name="made_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="import",
            name="new_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="import",
            name="problem_row_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="import",
            name="region",
            field=models.CharField(blank=True, max_length=2),
        ),
        migrations.AddField(
            model_name="import",
            name="takes_doubtful",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="import",
            name="why_stopped",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AlterField(
            model_name="import",
            name="made",
            field=models.JSONField(default=list),
        ),
        migrations.AlterField(
            model_name="import",
            name="state",
            field=models.CharField(
                choices=[
                    ("uploaded", "waiting for its columns"),
                    ("checking", "being checked"),
                    ("checked", "checked"),
                    ("writing", "being taken over"),
                    ("done", "taken over"),
                    ("failed", "stopped"),
                    ("undoing", "being undone"),
                    ("undone", "undone"),
                ],
                default="uploaded",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["uploaded", "checking", "checked", "writing", "done", "failed", "undoing", "undone"])
                ),
                name="import_state_is_known",
            ),
        ),
    ]
