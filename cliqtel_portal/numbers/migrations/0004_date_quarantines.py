from datetime import timedelta

from django.db import migrations
from django.utils import timezone


def give_them_a_month(apps, schema_editor):
    """Nobody wrote down when they were given up: from now on they have the default time."""
    numbers = apps.get_model("numbers", "PhoneNumber").objects
    numbers.filter(status="quarantine").update(
        quarantine_until=timezone.now() + timedelta(days=30)
    )


class Migration(migrations.Migration):
    dependencies = [("numbers", "0003_release")]

    operations = [migrations.RunPython(give_them_a_month, migrations.RunPython.noop)]
