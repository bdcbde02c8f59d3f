"""Bring the second version of the rules, as it stands in intake/versions/: amber medicine days, consents withdrawn, and more."""

import json
from datetime import UTC, datetime
from pathlib import Path

from django.db import migrations

RULES = Path(__file__).parent.parent / "versions" / "rules-2.json"
PUBLISHED_AT = datetime(2026, 11, 19, tzinfo=UTC)


def bring(apps, schema_editor):
    versions = apps.get_model("intake", "RuleVersion").objects
    last = versions.order_by("-number").values_list("number", flat=True).first() or 0
    versions.create(number=last + 1, rules=json.loads(RULES.read_text("utf-8")), published_at=PUBLISHED_AT)


class Migration(migrations.Migration):
    dependencies = [("intake", "0003_room_wishes_to_the_record")]

    operations = [migrations.RunPython(bring, migrations.RunPython.noop)]
