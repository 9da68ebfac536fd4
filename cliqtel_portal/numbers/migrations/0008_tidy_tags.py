from django.db import migrations

# A check constraint can't look into an array by itself.
CREATE = """
CREATE FUNCTION numbers_tags_are_valid(tags varchar[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT cardinality(tags) <= 20
        AND cardinality(tags) = (
            SELECT count(DISTINCT tag) FROM unnest(tags) AS tag
            WHERE tag ~ '^[^[:space:][:cntrl:],]([^[:cntrl:],]*[^[:space:][:cntrl:],])?$'
        )
$$;
"""
DROP = "DROP FUNCTION numbers_tags_are_valid(varchar[]);"

# Only staff could write tags until now, and nothing held them to a form.
TIDY = """
UPDATE numbers_phonenumber SET tags = ARRAY(
    SELECT tidy FROM (
        SELECT DISTINCT btrim(left(
            btrim(regexp_replace(tag, '[[:cntrl:][:space:],]+', ' ', 'g')), 40
        )) AS tidy
        FROM unnest(tags) AS tag
    ) AS every
    WHERE tidy <> '' ORDER BY tidy LIMIT 20
)
WHERE NOT numbers_tags_are_valid(tags);
"""


class Migration(migrations.Migration):
    dependencies = [("numbers", "0007_order_triggers")]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(TIDY, migrations.RunSQL.noop),
    ]
