from django.db import migrations

CREATE = """
CREATE FUNCTION approvals_keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decisions are append-only'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER approvals_decision_append_only
    BEFORE UPDATE OR DELETE ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_keep_decision();

CREATE FUNCTION approvals_guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' THEN
            RAISE EXCEPTION 'an approval begins pending' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'approvals are never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status IN ('rejected', 'expired', 'cancelled', 'executed', 'failed') THEN
        RAISE EXCEPTION 'the approval is over' USING ERRCODE = 'restrict_violation';
    END IF;
    IF ROW(NEW.id, NEW.tenant_id, NEW.action, NEW.title, NEW.summary, NEW.arguments,
           NEW.reason_text, NEW.requester_id, NEW.token_id, NEW.call_id, NEW.client_label,
           NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.tenant_id, OLD.action, OLD.title, OLD.summary, OLD.arguments,
           OLD.reason_text, OLD.requester_id, OLD.token_id, OLD.call_id, OLD.client_label,
           OLD.created_at, OLD.expires_at)
    THEN
        RAISE EXCEPTION 'what was asked for is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    -- A new price is for those who still decide: not in the very update that decides either.
    IF NOT (OLD.status = 'pending' AND NEW.status = 'pending')
       AND ROW(NEW.quote, NEW.previous_quote, NEW.amount, NEW.round, NEW.digest)
           IS DISTINCT FROM
           ROW(OLD.quote, OLD.previous_quote, OLD.amount, OLD.round, OLD.digest)
    THEN
        RAISE EXCEPTION 'a decided price is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status <> 'pending' AND NEW.decided_at IS DISTINCT FROM OLD.decided_at THEN
        RAISE EXCEPTION 'the time of a decision is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (
        ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'expired'),
        ('pending', 'cancelled'), ('approved', 'executing'), ('executing', 'executed'),
        ('executing', 'failed')
    ) THEN
        RAISE EXCEPTION 'no way from % to %', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'approved' AND NOT EXISTS (
        SELECT FROM approvals_decision
        WHERE approval_id = NEW.id AND verdict = 'approve'
          AND round = NEW.round AND digest_seen = NEW.digest
    ) THEN
        RAISE EXCEPTION 'nobody approved this digest' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'rejected' AND NOT EXISTS (
        SELECT FROM approvals_decision WHERE approval_id = NEW.id AND verdict = 'reject'
    ) THEN
        RAISE EXCEPTION 'nobody rejected this' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER approvals_approval_guard
    BEFORE INSERT OR UPDATE OR DELETE ON approvals_approval
    FOR EACH ROW EXECUTE FUNCTION approvals_guard_approval();
"""
DROP = """
DROP TRIGGER approvals_approval_guard ON approvals_approval;
DROP FUNCTION approvals_guard_approval();
DROP TRIGGER approvals_decision_append_only ON approvals_decision;
DROP FUNCTION approvals_keep_decision();
"""


class Migration(migrations.Migration):
    """No trigger on TRUNCATE: that is the owner's right, who could drop the trigger as well."""

    dependencies = [("approvals", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
