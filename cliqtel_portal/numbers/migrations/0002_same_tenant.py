from django.db import migrations

CREATE = """
CREATE FUNCTION numbers_check_same_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.trunk_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM trunks_trunk WHERE id = NEW.trunk_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a number goes to a trunk of its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_number_same_tenant';
    END IF;
    IF NEW.call_flow_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM callflows_callflow
        WHERE id = NEW.call_flow_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a number goes to a call flow of its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_number_same_tenant';
    END IF;
    IF NEW.emergency_address_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM numbers_emergencyaddress
        WHERE id = NEW.emergency_address_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a number has an emergency address of its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_number_same_tenant';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER numbers_phonenumber_same_tenant
    BEFORE INSERT OR UPDATE OF tenant_id, trunk_id, call_flow_id, emergency_address_id
    ON numbers_phonenumber
    FOR EACH ROW EXECUTE FUNCTION numbers_check_same_tenant();
"""
DROP = """
DROP TRIGGER numbers_phonenumber_same_tenant ON numbers_phonenumber;
DROP FUNCTION numbers_check_same_tenant();
"""


class Migration(migrations.Migration):
    dependencies = [("numbers", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
