from django.db import migrations

ADD = """
ALTER TABLE numbers_phonenumber
    ADD CONSTRAINT numbers_number_tags_valid CHECK (numbers_tags_are_valid(tags));
"""
DROP = "ALTER TABLE numbers_phonenumber DROP CONSTRAINT numbers_number_tags_valid;"


class Migration(migrations.Migration):
    dependencies = [("numbers", "0008_tidy_tags")]

    operations = [
        migrations.RunSQL(ADD, DROP),
    ]
