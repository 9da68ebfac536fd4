from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0005_drafts_know_their_approval'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('direction', 'outbound')), fields=['tenant', 'from_number', '-created_at'], name='messaging_message_sent_from'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('direction', 'inbound')), fields=['tenant', 'to_number', '-created_at'], name='messaging_message_sent_to'),
        ),
    ]
