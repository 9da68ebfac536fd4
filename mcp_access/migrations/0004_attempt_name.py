from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """Only how Django admin calls it: "o auth attempt" otherwise."""

    dependencies = [("mcp_access", "0003_doctor_watch")]

    operations = [
        migrations.AlterModelOptions(
            name="oauthattempt",
            options={"ordering": ["-id"], "verbose_name": "OAuth attempt"},
        ),
    ]
