"""A step tells where the visit was before, which others were taken with it, and on whose side its reason lies."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0006_calendar_feeds")]

    operations = [
        migrations.AddField(
            model_name="series",
            name="continues",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="continued_by",
                to="scheduling.series",
            ),
        ),
        migrations.AddField(
            model_name="statuschange",
            name="because",
            field=models.CharField(
                blank=True,
                choices=[
                    ("client", "The client cancels"),
                    ("clinic", "The clinic cancels"),
                    ("mistake", "Booked by mistake"),
                ],
                default="",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.AddField(model_name="statuschange", name="was", field=models.JSONField(null=True)),
        migrations.AddField(model_name="statuschange", name="batch", field=models.UUIDField(null=True)),
        migrations.AddField(model_name="statuschange", name="is_undo", field=models.BooleanField(default=False)),
        migrations.AddIndex(
            model_name="statuschange",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)), fields=["batch"], name="status_change_by_batch"
            ),
        ),
    ]
