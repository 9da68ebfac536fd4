import cliqtel_portal.ids
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

CREATE = """
CREATE FUNCTION numbers_change_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of numbers is append-only'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER numbers_numberchange_append_only
    BEFORE UPDATE OR DELETE ON numbers_numberchange
    FOR EACH ROW EXECUTE FUNCTION numbers_change_refuse_change();

CREATE FUNCTION numbers_change_check_same_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM numbers_phonenumber WHERE id = NEW.number_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a change is recorded in the tenant of its number'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_change_same_tenant';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER numbers_numberchange_same_tenant
    BEFORE INSERT ON numbers_numberchange
    FOR EACH ROW EXECUTE FUNCTION numbers_change_check_same_tenant();

CREATE FUNCTION numbers_check_release_same_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.release_operation_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM carriers_carrieroperation
        WHERE id = NEW.release_operation_id AND tenant_id = NEW.tenant_id
    ) THEN
        RAISE EXCEPTION 'a number is handed back for its own tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_number_release_same_tenant';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER numbers_phonenumber_release_same_tenant
    BEFORE INSERT OR UPDATE OF tenant_id, release_operation_id ON numbers_phonenumber
    FOR EACH ROW EXECUTE FUNCTION numbers_check_release_same_tenant();
"""
DROP = """
DROP TRIGGER numbers_phonenumber_release_same_tenant ON numbers_phonenumber;
DROP FUNCTION numbers_check_release_same_tenant();
DROP TRIGGER numbers_numberchange_same_tenant ON numbers_numberchange;
DROP FUNCTION numbers_change_check_same_tenant();
DROP TRIGGER numbers_numberchange_append_only ON numbers_numberchange;
DROP FUNCTION numbers_change_refuse_change();
"""


class Migration(migrations.Migration):
    """No trigger on TRUNCATE: that is the owner's right, who could drop the trigger as well."""

    dependencies = [
        ("numbers", "0004_date_quarantines"),
    ]

    operations = [
        migrations.CreateModel(
            name='NumberChange',
            fields=[
                ('id', models.UUIDField(default=cliqtel_portal.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('assigned', 'Connected'), ('given_up', 'Given up'), ('restored', 'Brought back'), ('handed_back', 'Handed back')], max_length=12)),
                ('before', models.JSONField()),
                ('after', models.JSONField()),
                ('by_label', models.CharField(blank=True, max_length=200)),
                ('approval_id', models.UUIDField(blank=True, null=True)),
                ('key', models.CharField(max_length=80)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddIndex(
            model_name='phonenumber',
            index=models.Index(condition=models.Q(('quarantine_until__isnull', False), ('release_operation__isnull', True)), fields=['quarantine_until'], name='numbers_number_quarantine'),
        ),
        migrations.AddConstraint(
            model_name='phonenumber',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('quarantine_until__isnull', False), ('status', 'quarantine')), models.Q(models.Q(('status', 'quarantine'), _negated=True), ('quarantine_until__isnull', True)), _connector='OR'), name='numbers_number_quarantine_dated'),
        ),
        migrations.AddConstraint(
            model_name='phonenumber',
            constraint=models.CheckConstraint(condition=models.Q(('release_operation__isnull', True), ('status__in', ['quarantine', 'released']), _connector='OR'), name='numbers_number_handed_back_after_quarantine'),
        ),
        migrations.AddField(
            model_name='numberchange',
            name='number',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='numbers.phonenumber'),
        ),
        migrations.AddField(
            model_name='numberchange',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='number_changes', to='accounts.tenant'),
        ),
        migrations.AddIndex(
            model_name='numberchange',
            index=models.Index(fields=['number', '-at', '-id'], name='numbers_change_number'),
        ),
        migrations.AddConstraint(
            model_name='numberchange',
            constraint=models.UniqueConstraint(fields=('tenant', 'key'), name='numbers_change_key_unique'),
        ),
        migrations.AddConstraint(
            model_name='numberchange',
            constraint=models.CheckConstraint(condition=models.Q(('key', ''), _negated=True), name='numbers_change_key_present'),
        ),
        migrations.AddConstraint(
            model_name='numberchange',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['assigned', 'given_up', 'restored', 'handed_back'])), name='numbers_change_kind_valid'),
        ),
        migrations.AddConstraint(
            model_name='numberchange',
            constraint=models.CheckConstraint(condition=models.Q(('before', models.F('after')), _negated=True), name='numbers_change_changes'),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
