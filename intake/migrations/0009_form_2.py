"""Bring the second form, as it stands in intake/versions/: medicines line by line, and what the first did not ask."""

import json
from datetime import UTC, datetime
from pathlib import Path

from django.db import migrations

FORM = Path(__file__).parent.parent / "versions" / "form-2.en.json"
PUBLISHED_AT = datetime(2026, 11, 19, tzinfo=UTC)


def bring(apps, schema_editor):
    versions = apps.get_model("intake", "FormVersion").objects
    last = versions.order_by("-number").values_list("number", flat=True).first() or 0
    content = json.loads(FORM.read_text("utf-8"))
    versions.create(number=last + 1, language="en", content=content, published_at=PUBLISHED_AT)


class Migration(migrations.Migration):
    dependencies = [("intake", "0008_rules_watched")]

    operations = [migrations.RunPython(bring, migrations.RunPython.noop)]
