from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations

# unaccent() itself is not IMMUTABLE; as a dictionary of a configuration it can be used anywhere
# that to_tsvector(configuration, text) can.
CREATE = """
    CREATE TEXT SEARCH CONFIGURATION cliqtel_english (COPY = pg_catalog.english);
    ALTER TEXT SEARCH CONFIGURATION cliqtel_english
        ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
"""


class SharedTrigramExtension(TrigramExtension):
    """Going back leaves the extension: other apps' indexes need it too."""

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        pass


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        SharedTrigramExtension(),
        UnaccentExtension(),
        migrations.RunSQL(CREATE, "DROP TEXT SEARCH CONFIGURATION cliqtel_english"),
    ]
