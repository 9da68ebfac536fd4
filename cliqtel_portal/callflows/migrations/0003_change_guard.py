from django.db import migrations

CREATE = """
CREATE FUNCTION callflows_guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'call flow changes are never deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'callflows_change_guard';
    END IF;
    IF OLD.status NOT IN ('pending', 'approved') THEN
        RAISE EXCEPTION 'the change is decided'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'callflows_change_guard';
    END IF;
    IF ROW(NEW.id, NEW.tenant_id, NEW.call_flow_id, NEW.base_revision_id, NEW.operations,
           NEW.restores_id, NEW.graph, NEW.etag, NEW.author_label, NEW.author_kind,
           NEW.created_at)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.tenant_id, OLD.call_flow_id, OLD.base_revision_id, OLD.operations,
           OLD.restores_id, OLD.graph, OLD.etag, OLD.author_label, OLD.author_kind,
           OLD.created_at)
    THEN
        RAISE EXCEPTION 'what a change proposes is frozen'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'callflows_change_guard';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER callflows_change_guard BEFORE UPDATE OR DELETE ON callflows_change
    FOR EACH ROW EXECUTE FUNCTION callflows_guard_change();
"""
DROP = """
DROP TRIGGER callflows_change_guard ON callflows_change;
DROP FUNCTION callflows_guard_change();
"""


class Migration(migrations.Migration):
    dependencies = [("callflows", "0002_change_result")]

    operations = [migrations.RunSQL(CREATE, DROP)]
