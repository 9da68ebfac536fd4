from django.db import migrations

CREATE = """
CREATE FUNCTION approvals_keep_policy_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'changes of policy are append-only'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER approvals_policychange_append_only
    BEFORE UPDATE OR DELETE ON approvals_policychange
    FOR EACH ROW EXECUTE FUNCTION approvals_keep_policy_change();
"""
DROP = """
DROP TRIGGER approvals_policychange_append_only ON approvals_policychange;
DROP FUNCTION approvals_keep_policy_change();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0006_policy_change")]

    operations = [migrations.RunSQL(CREATE, DROP)]
