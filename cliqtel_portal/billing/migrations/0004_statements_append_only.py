from django.db import migrations

CREATE = """
CREATE FUNCTION billing_refuse_statement_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a closed month never changes: book a correction instead'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER billing_usagestatement_append_only
    BEFORE UPDATE OR DELETE ON billing_usagestatement
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_statement_change();
"""
DROP = """
DROP TRIGGER billing_usagestatement_append_only ON billing_usagestatement;
DROP FUNCTION billing_refuse_statement_change();
"""


class Migration(migrations.Migration):
    """No trigger on TRUNCATE: that is the owner's right, who could drop the trigger as well."""

    dependencies = [("billing", "0003_usage_statements")]

    operations = [migrations.RunSQL(CREATE, DROP)]
