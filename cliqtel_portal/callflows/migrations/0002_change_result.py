import django.db.models.deletion
from django.db import migrations, models

REVISION = "callflows.revision"
KIND = models.CharField(
    choices=[("human", "Person"), ("ai_host", "AI host")], default="human", max_length=8
)


def revision(name: str) -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=name,
        to=REVISION,
    )


SAME_FLOW = """
ALTER TABLE callflows_change ADD CONSTRAINT callflows_change_restores_own
    FOREIGN KEY (restores_id, call_flow_id) REFERENCES callflows_revision (id, call_flow_id)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE callflows_change ADD CONSTRAINT callflows_change_revision_own
    FOREIGN KEY (revision_id, call_flow_id) REFERENCES callflows_revision (id, call_flow_id)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE callflows_change ADD CONSTRAINT callflows_change_previous_own
    FOREIGN KEY (previous_revision_id, call_flow_id)
    REFERENCES callflows_revision (id, call_flow_id)
    DEFERRABLE INITIALLY DEFERRED;
"""
SAME_FLOW_BACK = """
ALTER TABLE callflows_change DROP CONSTRAINT callflows_change_previous_own;
ALTER TABLE callflows_change DROP CONSTRAINT callflows_change_revision_own;
ALTER TABLE callflows_change DROP CONSTRAINT callflows_change_restores_own;
"""


class Migration(migrations.Migration):
    dependencies = [("callflows", "0001_initial")]

    # The defaults that are not kept are for rows from before drafting existed: there are none.
    operations = [
        migrations.AddField(
            "revision", "approved_by_label", models.CharField(blank=True, max_length=120)
        ),
        migrations.AlterField("change", "operations", models.JSONField(blank=True, default=list)),
        migrations.AddField("change", "restores", revision("restored_by")),
        migrations.AddField(
            "change", "graph", models.JSONField(default=dict), preserve_default=False
        ),
        migrations.AddField(
            "change",
            "etag",
            models.CharField(default="0" * 64, max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            "change",
            "author_label",
            models.CharField(default="", max_length=120),
            preserve_default=False,
        ),
        migrations.AddField("change", "author_kind", KIND),
        migrations.AddField("change", "revision", revision("published_by")),
        migrations.AddField("change", "previous_revision", revision("replaced_by")),
        migrations.AddConstraint(
            "change",
            models.CheckConstraint(
                condition=models.Q(("etag__regex", "^[0-9a-f]{64}$")),
                name="callflows_change_etag_sha256",
            ),
        ),
        migrations.AddConstraint(
            "change",
            models.CheckConstraint(
                condition=models.Q(("author_kind__in", ["human", "ai_host"])),
                name="callflows_change_author_kind_valid",
            ),
        ),
        migrations.AddConstraint(
            "change",
            models.CheckConstraint(
                condition=models.Q(restores__isnull=True) ^ models.Q(operations=[]),
                name="callflows_change_edits_or_restores",
            ),
        ),
        migrations.AddConstraint(
            "change",
            models.CheckConstraint(
                condition=models.Q(status="published", revision__isnull=False)
                | (
                    ~models.Q(status="published")
                    & models.Q(revision__isnull=True, previous_revision__isnull=True)
                ),
                name="callflows_change_published_has_revision",
            ),
        ),
        migrations.RunSQL(SAME_FLOW, SAME_FLOW_BACK),
    ]
