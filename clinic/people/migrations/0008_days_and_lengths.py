"""Licences and certificates end on a day that can be, texts are held to their length, a check is told from another."""

import datetime

import django.core.validators
from django.db import migrations, models

import clinic.people.models.therapists

# An import may have brought “for ever” as a day.
CLAMP = """
UPDATE {table} SET {column} = GREATEST('2000-01-01', LEAST('2199-12-31', {column}))
WHERE {column} NOT BETWEEN '2000-01-01' AND '2199-12-31';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0007_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name="client",
            name="address",
            field=models.TextField(
                blank=True,
                max_length=300,
                validators=[django.core.validators.MaxLengthValidator(300)],
                verbose_name="address",
            ),
        ),
        migrations.AlterField(
            model_name="client",
            name="physician_contact",
            field=models.TextField(
                blank=True,
                help_text="Practice, address, phone.",
                max_length=300,
                validators=[django.core.validators.MaxLengthValidator(300)],
                verbose_name="physician's practice",
            ),
        ),
        migrations.AlterField(
            model_name="clientevent",
            name="address",
            field=models.TextField(
                blank=True,
                max_length=300,
                validators=[django.core.validators.MaxLengthValidator(300)],
                verbose_name="address",
            ),
        ),
        migrations.AlterField(
            model_name="clientevent",
            name="physician_contact",
            field=models.TextField(
                blank=True,
                help_text="Practice, address, phone.",
                max_length=300,
                validators=[django.core.validators.MaxLengthValidator(300)],
                verbose_name="physician's practice",
            ),
        ),
        migrations.AlterField(
            model_name="qualification",
            name="expires_on",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[clinic.people.models.therapists.refuse_far_day],
                verbose_name="valid until",
            ),
        ),
        migrations.AlterField(
            model_name="qualificationevent",
            name="expires_on",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[clinic.people.models.therapists.refuse_far_day],
                verbose_name="valid until",
            ),
        ),
        migrations.AlterField(
            model_name="therapist",
            name="biography",
            field=models.TextField(
                blank=True,
                help_text="For the booking page, in the therapist's own words.",
                max_length=1500,
                validators=[django.core.validators.MaxLengthValidator(1500)],
                verbose_name="biography",
            ),
        ),
        migrations.AlterField(
            model_name="therapist",
            name="licence_expires_on",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[clinic.people.models.therapists.refuse_far_day],
                verbose_name="licence valid until",
            ),
        ),
        migrations.AlterField(
            model_name="therapistevent",
            name="biography",
            field=models.TextField(
                blank=True,
                help_text="For the booking page, in the therapist's own words.",
                max_length=1500,
                validators=[django.core.validators.MaxLengthValidator(1500)],
                verbose_name="biography",
            ),
        ),
        migrations.AlterField(
            model_name="therapistevent",
            name="licence_expires_on",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[clinic.people.models.therapists.refuse_far_day],
                verbose_name="licence valid until",
            ),
        ),
        migrations.RunSQL(
            [
                CLAMP.format(table="people_therapist", column="licence_expires_on"),
                CLAMP.format(table="people_qualification", column="expires_on"),
            ],
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="qualification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_on__isnull", True),
                    ("expires_on__range", (datetime.date(2000, 1, 1), datetime.date(2199, 12, 31))),
                    _connector="OR",
                ),
                name="qualification_ends_on_a_day_that_can_be",
            ),
        ),
        migrations.AddConstraint(
            model_name="therapist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("licence_expires_on__isnull", True),
                    ("licence_expires_on__range", (datetime.date(2000, 1, 1), datetime.date(2199, 12, 31))),
                    _connector="OR",
                ),
                name="therapist_licence_ends_on_a_day_that_can_be",
            ),
        ),
    ]
