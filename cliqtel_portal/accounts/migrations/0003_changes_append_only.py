from django.db import migrations

CREATE = """
CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who changed what of an account is append-only'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER accounts_accountchange_append_only
    BEFORE UPDATE OR DELETE ON accounts_accountchange
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
CREATE TRIGGER accounts_membershipchange_append_only
    BEFORE UPDATE OR DELETE ON accounts_membershipchange
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
"""
DROP = """
DROP TRIGGER accounts_membershipchange_append_only ON accounts_membershipchange;
DROP TRIGGER accounts_accountchange_append_only ON accounts_accountchange;
DROP FUNCTION accounts_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_format_and_changes")]

    operations = [migrations.RunSQL(CREATE, DROP)]
