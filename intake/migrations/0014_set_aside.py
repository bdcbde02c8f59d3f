"""Keep aside, while a tablet is handed over, what was answered elsewhere."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0013_whole_floor")]

    operations = [
        migrations.AddField(model_name="submission", name="set_aside", field=models.JSONField(default=dict)),
    ]
