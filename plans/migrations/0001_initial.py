import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Plan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_on", models.DateField(verbose_name="starts on")),
                ("agreed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("why", models.TextField(blank=True, verbose_name="why this plan")),
                ("ending_reason", models.CharField(blank=True, max_length=240, verbose_name="why it ended")),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="people.client"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.service"
                    ),
                ),
                (
                    "therapist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="people.therapist"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Goal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("pain", "Pain before a visit, 0 to 10"),
                            ("migraine_days", "Migraine days in 28 days"),
                            ("headache_days", "Headache days in 28 days"),
                        ],
                        max_length=20,
                        verbose_name="measure",
                    ),
                ),
                ("baseline", models.DecimalField(decimal_places=1, max_digits=5, verbose_name="baseline")),
                ("target", models.DecimalField(decimal_places=1, max_digits=5, verbose_name="target")),
                ("due_on", models.DateField(verbose_name="by")),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="goals", to="plans.plan"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PlanPhase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "every_weeks",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Baseline diary, no visits"),
                            (1, "Every week"),
                            (2, "Every two weeks"),
                            (4, "Every four weeks"),
                        ],
                        verbose_name="visits come",
                    ),
                ),
                ("visits", models.PositiveSmallIntegerField(verbose_name="visits")),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="phases", to="plans.plan"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("pain", "Pain before a visit, 0 to 10"),
                            ("migraine_days", "Migraine days in 28 days"),
                            ("headache_days", "Headache days in 28 days"),
                        ],
                        max_length=20,
                        verbose_name="measure",
                    ),
                ),
                ("value", models.DecimalField(decimal_places=1, max_digits=5, verbose_name="value")),
                ("on", models.DateField(verbose_name="on")),
                ("recorded_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="people.client"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("client",),
                name="plan_in_force_is_one_per_client",
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True),
                    models.Q(
                        ("ended_at__gte", models.F("agreed_at")),
                        ("ended_by__isnull", False),
                        models.Q(("ending_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="plan_is_ended_by_somebody_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="goal",
            constraint=models.UniqueConstraint(fields=("plan", "measure"), name="goal_is_one_per_measure"),
        ),
        migrations.AddConstraint(
            model_name="goal",
            constraint=models.CheckConstraint(
                condition=models.Q(("measure__in", ["pain", "migraine_days", "headache_days"])),
                name="goal_measure_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="goal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("baseline__gte", 0),
                    ("baseline__lte", 28),
                    ("target__gte", 0),
                    models.Q(models.Q(("measure", "pain"), _negated=True), ("baseline__lte", 10), _connector="OR"),
                ),
                name="goal_lies_within_its_measure",
            ),
        ),
        migrations.AddConstraint(
            model_name="goal",
            constraint=models.CheckConstraint(
                condition=models.Q(("target__lt", models.F("baseline"))), name="goal_is_below_where_it_started"
            ),
        ),
        migrations.AddConstraint(
            model_name="planphase",
            constraint=models.UniqueConstraint(fields=("plan", "position"), name="plan_phase_has_its_own_place"),
        ),
        migrations.AddConstraint(
            model_name="planphase",
            constraint=models.CheckConstraint(
                condition=models.Q(("every_weeks__in", [0, 1, 2, 4])), name="plan_phase_cadence_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="planphase",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__gt", models.F("starts_on"))), name="plan_phase_ends_after_it_starts"
            ),
        ),
        migrations.AddConstraint(
            model_name="planphase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("every_weeks", 0), ("visits", 0)),
                    models.Q(("every_weeks__gt", 0), ("visits__gte", 1), ("visits__lte", 52)),
                    _connector="OR",
                ),
                name="plan_phase_has_visits_unless_it_is_the_baseline",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["client", "measure", "on"], name="score_by_client"),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(("measure__in", ["migraine_days", "headache_days"])),
                name="score_measure_is_counted_in_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(("value__gte", 0), ("value__lte", 28)), name="score_is_0_to_28_days"
            ),
        ),
    ]
