from django.db import migrations

CREATE = """
CREATE FUNCTION messaging_guard_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.tenant_id, OLD.key, OLD.channel, OLD.from_number, OLD.recipients, OLD.opted_out,
        OLD.body, OLD.template_name, OLD.encoding, OLD.segments, OLD.currency, OLD.requested_by_id,
        OLD.created_at)
        IS DISTINCT FROM
       (NEW.id, NEW.tenant_id, NEW.key, NEW.channel, NEW.from_number, NEW.recipients, NEW.opted_out,
        NEW.body, NEW.template_name, NEW.encoding, NEW.segments, NEW.currency, NEW.requested_by_id,
        NEW.created_at)
    THEN
        RAISE EXCEPTION 'what is sent never changes: draft another'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'messaging_batch_frozen';
    END IF;
    IF OLD.state <> 'draft' AND (OLD.state, OLD.cost, OLD.sent_at, OLD.approval_id)
        IS DISTINCT FROM (NEW.state, NEW.cost, NEW.sent_at, NEW.approval_id)
    THEN
        RAISE EXCEPTION 'a batch is sent or withdrawn once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'messaging_batch_final';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER messaging_messagebatch_guard BEFORE UPDATE ON messaging_messagebatch
    FOR EACH ROW EXECUTE FUNCTION messaging_guard_batch();

CREATE FUNCTION messaging_check_same_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.batch_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM messaging_messagebatch
        WHERE id = NEW.batch_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a message is in a batch of its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'messaging_message_same_tenant';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER messaging_message_same_tenant
    BEFORE INSERT OR UPDATE OF tenant_id, batch_id ON messaging_message
    FOR EACH ROW EXECUTE FUNCTION messaging_check_same_tenant();

CREATE FUNCTION messaging_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who set the limit is append-only'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER messaging_limitchange_append_only
    BEFORE UPDATE OR DELETE ON messaging_messaginglimitchange
    FOR EACH ROW EXECUTE FUNCTION messaging_refuse_change();
"""
DROP = """
DROP TRIGGER messaging_limitchange_append_only ON messaging_messaginglimitchange;
DROP FUNCTION messaging_refuse_change();
DROP TRIGGER messaging_message_same_tenant ON messaging_message;
DROP FUNCTION messaging_check_same_tenant();
DROP TRIGGER messaging_messagebatch_guard ON messaging_messagebatch;
DROP FUNCTION messaging_guard_batch();
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0002_batches_and_opt_outs")]

    operations = [migrations.RunSQL(CREATE, DROP)]
