"""Freeze form versions by the database, and know who published one and what is new in it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from clinic.lib.only_added import only_added


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0009_form_2"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="formversion",
            name="published_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="formversion",
            name="words",
            field=models.CharField(blank=True, help_text="What is new in it", max_length=200),
        ),
        only_added("intake_formversion"),
    ]
