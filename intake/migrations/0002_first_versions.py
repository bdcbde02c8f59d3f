"""Bring the first form and the first safety rules, as they stand in intake/versions/."""

import json
from datetime import UTC, datetime
from pathlib import Path

from django.db import migrations

VERSIONS = Path(__file__).parent.parent / "versions"
PUBLISHED_AT = datetime(2026, 11, 1, tzinfo=UTC)


def read(name):
    return json.loads((VERSIONS / name).read_text("utf-8"))


def bring(apps, schema_editor):
    apps.get_model("intake", "FormVersion").objects.create(
        number=1, language="en", content=read("form-1.en.json"), published_at=PUBLISHED_AT
    )
    apps.get_model("intake", "RuleVersion").objects.create(
        number=1, rules=read("rules-1.json"), published_at=PUBLISHED_AT
    )


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial")]

    operations = [migrations.RunPython(bring, migrations.RunPython.noop)]
