import datetime
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_browser_sessions'),
        ('callflows', '0003_change_guard'),
        ('carriers', '0005_index_undone'),
        ('numbers', '0012_emergency_changes'),
        ('trunks', '0002_credential_reveals'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='phonenumber',
            index=models.Index(fields=['tenant', 'monthly_price', 'e164'], name='numbers_number_monthly'),
        ),
        migrations.AddIndex(
            model_name='phonenumber',
            index=models.Index(models.F('tenant'), django.db.models.functions.comparison.Coalesce('renews_at', models.Value(datetime.datetime(9999, 12, 1, 0, 0, tzinfo=datetime.timezone.utc))), models.F('e164'), name='numbers_number_renewal'),
        ),
    ]
