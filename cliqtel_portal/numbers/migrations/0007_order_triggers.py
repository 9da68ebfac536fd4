from django.db import migrations

CREATE = """
CREATE FUNCTION numbers_guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'orders are never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.trunk_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM trunks_trunk WHERE id = NEW.trunk_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'an order leads to a trunk of its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_order_same_tenant';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'an order begins as a draft' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state IN ('completed', 'failed', 'withdrawn') THEN
        RAISE EXCEPTION 'the order is over' USING ERRCODE = 'restrict_violation';
    END IF;
    IF ROW(NEW.id, NEW.tenant_id, NEW.requested_by_id, NEW.trunk_id, NEW.created_at)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.tenant_id, OLD.requested_by_id, OLD.trunk_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what was ordered is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'draft'
       AND ROW(NEW.currency, NEW.hold_until, NEW.placed_at)
           IS DISTINCT FROM ROW(OLD.currency, OLD.hold_until, OLD.placed_at)
    THEN
        RAISE EXCEPTION 'a placed order is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('draft', 'placed'), ('draft', 'withdrawn'), ('placed', 'completed'), ('placed', 'failed')
    ) THEN
        RAISE EXCEPTION 'no way from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER numbers_numberorder_guard
    BEFORE INSERT OR UPDATE OR DELETE ON numbers_numberorder
    FOR EACH ROW EXECUTE FUNCTION numbers_guard_order();

CREATE FUNCTION numbers_guard_order_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parent numbers_numberorder%ROWTYPE;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'lines of orders are never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO parent FROM numbers_numberorder WHERE id = NEW.order_id;
    IF TG_OP = 'INSERT' AND parent.state <> 'draft' THEN
        RAISE EXCEPTION 'a placed order gets no lines' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF ROW(NEW.id, NEW.order_id, NEW.position, NEW.stock_number_id, NEW.e164)
           IS DISTINCT FROM
           ROW(OLD.id, OLD.order_id, OLD.position, OLD.stock_number_id, OLD.e164)
           OR (OLD.phone_number_id IS NOT NULL
               AND NEW.phone_number_id IS DISTINCT FROM OLD.phone_number_id)
        THEN
            RAISE EXCEPTION 'what was ordered is frozen' USING ERRCODE = 'restrict_violation';
        END IF;
        IF parent.state <> 'draft'
           AND ROW(NEW.setup_price, NEW.monthly_price)
               IS DISTINCT FROM ROW(OLD.setup_price, OLD.monthly_price)
        THEN
            RAISE EXCEPTION 'a placed price is frozen' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF NEW.phone_number_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM numbers_phonenumber
        WHERE id = NEW.phone_number_id AND tenant_id = parent.tenant_id AND e164 = NEW.e164
    ) THEN
        RAISE EXCEPTION 'an order line becomes its own number of its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_order_line_same_tenant';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER numbers_orderline_guard
    BEFORE INSERT OR UPDATE OR DELETE ON numbers_orderline
    FOR EACH ROW EXECUTE FUNCTION numbers_guard_order_line();

CREATE FUNCTION numbers_check_reservation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.order_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM numbers_numberorder
        WHERE id = NEW.order_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a number is held for an order of the same tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_reservation_same_tenant';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER numbers_reservation_same_tenant
    BEFORE INSERT OR UPDATE OF tenant_id, order_id ON numbers_reservation
    FOR EACH ROW EXECUTE FUNCTION numbers_check_reservation();
"""
DROP = """
DROP TRIGGER numbers_reservation_same_tenant ON numbers_reservation;
DROP FUNCTION numbers_check_reservation();
DROP TRIGGER numbers_orderline_guard ON numbers_orderline;
DROP FUNCTION numbers_guard_order_line();
DROP TRIGGER numbers_numberorder_guard ON numbers_numberorder;
DROP FUNCTION numbers_guard_order();
"""


class Migration(migrations.Migration):
    """No trigger on TRUNCATE: that is the owner's right, who could drop the trigger as well."""

    dependencies = [("numbers", "0006_orders")]

    operations = [migrations.RunSQL(CREATE, DROP)]
