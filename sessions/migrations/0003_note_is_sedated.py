from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("treatment", "0002_freeze_signed_notes")]

    operations = [
        migrations.AddField(
            model_name="note",
            name="is_sedated",
            field=models.BooleanField(default=False, verbose_name="a sedative or strong painkiller just taken"),
        ),
    ]
