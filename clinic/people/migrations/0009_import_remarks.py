"""An import keeps what has to be said of its file as a whole."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0008_days_and_lengths"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="remarks",
            field=models.JSONField(default=list),
        ),
    ]
