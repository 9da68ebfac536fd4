from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_browser_sessions'),
        ('numbers', '0011_emergency_location'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='numberchange',
            name='numbers_change_kind_valid',
        ),
        migrations.AlterField(
            model_name='numberchange',
            name='kind',
            field=models.CharField(choices=[('assigned', 'Connected'), ('given_up', 'Given up'), ('restored', 'Brought back'), ('handed_back', 'Handed back'), ('tagged', 'Tags changed'), ('emergency', 'Emergency address')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='numberchange',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['assigned', 'given_up', 'restored', 'handed_back', 'tagged', 'emergency'])), name='numbers_change_kind_valid'),
        ),
    ]
