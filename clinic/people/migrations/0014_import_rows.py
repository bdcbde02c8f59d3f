"""Keep the rows of an import as rows: to page through them, decide for each, and keep those that were left out.

Also after 0015, which was there first.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0015_leaving_and_days_of_birth")]

    operations = [
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "fate",
                    models.CharField(
                        choices=[
                            ("new", "new"),
                            ("doubtful", "doubtful"),
                            ("here", "left out by themselves"),
                            ("wrong", "with problems"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_wanted", models.BooleanField(default=False)),
                ("stands", models.JSONField(default=dict)),
                ("cells", models.JSONField(default=dict)),
                ("reasons", models.JSONField(default=list)),
                ("alike_pk", models.BigIntegerField(null=True)),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="people.import"
                    ),
                ),
            ],
            options={
                "verbose_name": "row of an import",
                "constraints": [
                    models.UniqueConstraint(fields=("file", "fate", "number"), name="import_row_stands_once"),
                    models.CheckConstraint(
                        condition=models.Q(("fate__in", ["new", "doubtful", "here", "wrong"])),
                        name="import_row_fate_is_known",
                    ),
                ],
            },
        ),
        migrations.RenameField("import", "problem_row_count", "wrong_count"),
        migrations.RemoveField("import", "problem_count"),
        migrations.RemoveField("import", "problems"),
        migrations.RemoveField("import", "doubts"),
        migrations.RemoveField("import", "findings_csv"),
        migrations.RemoveField("import", "digest"),
        migrations.RemoveField("import", "takes_doubtful"),
        migrations.AddField("import", "left_columns", models.JSONField(default=list)),
        migrations.AddField("import", "left_out_count", models.PositiveIntegerField(default=0)),
    ]
