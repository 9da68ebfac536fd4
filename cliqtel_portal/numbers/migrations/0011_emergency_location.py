from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('numbers', '0010_tagged_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='emergencyaddress',
            name='location',
            field=models.CharField(blank=True, max_length=80),
        ),
    ]
