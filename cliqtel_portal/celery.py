"""The Celery application: tasks are found in each app's tasks.py; the beat's timetable is here."""

from __future__ import annotations

import os

from celery import Celery
from celery.schedules import crontab

from cliqtel_portal import task_log  # noqa: F401 - connects to Celery's signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cliqtel_portal.settings.dev")

app = Celery("cliqtel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Of what reads whole days or months of the log; in seconds.
_LONG = {"expires": 12 * 3600, "time_limit": 3600}

# Times in UTC. `expires` (seconds): after an outage the newest of a queue of repeats is enough.
app.conf.beat_schedule = {
    "heartbeat": {
        "task": "cliqtel_portal.tasks.heartbeat",
        "schedule": 15.0,
        "options": {"expires": 14},
    },
    "recover lost approvals": {
        "task": "approvals.tasks.recover_lost",
        "schedule": 15.0,
        "options": {"expires": 14},
    },
    "expire approvals": {
        "task": "approvals.tasks.expire_due",
        "schedule": 30.0,
        "options": {"expires": 25},
    },
    "retry carriers": {
        "task": "cliqtel_portal.carriers.tasks.recover_due",
        "schedule": 15.0,
        "options": {"expires": 14},
    },
    "send sandbox reports": {
        "task": "cliqtel_portal.carriers.tasks.send_due_sandbox_reports",
        "schedule": 5.0,
        "options": {"expires": 4},
    },
    "forget old webhooks": {
        "task": "cliqtel_portal.carriers.tasks.forget_old_webhooks",
        "schedule": crontab(hour=3, minute=50),
        "options": {"expires": 12 * 3600},
    },
    "close interrupted calls": {
        "task": "audit.tasks.close_interrupted_calls",
        "schedule": 30.0,
        "options": {"expires": 25},
    },
    "look for anomalies": {
        "task": "audit.tasks.look_for_anomalies",
        "schedule": 30.0,
        "options": {"expires": 25},
    },
    "send Slack messages": {
        "task": "audit.tasks.send_due_slack_messages",
        "schedule": 30.0,
        "options": {"expires": 25},
    },
    "forget leftovers of alerts": {
        "task": "audit.tasks.forget_alert_leftovers",
        "schedule": crontab(hour=4, minute=5),
        "options": {"expires": 12 * 3600},
    },
    "seal calls": {
        "task": "audit.tasks.seal_calls",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "anchor the chain of seals": {
        "task": "audit.tasks.anchor_chain",
        "schedule": crontab(hour=1, minute=10),
        "options": {"expires": 12 * 3600},
    },
    "verify newest calls": {
        "task": "audit.tasks.verify_newest_calls",
        "schedule": crontab(hour=1, minute=30),
        "options": _LONG,
    },
    "keep partitions ahead": {
        "task": "audit.tasks.keep_partitions_ahead",
        "schedule": crontab(hour=2, minute=10),
        "options": {"expires": 12 * 3600},
    },
    "retire old months of the log": {
        "task": "audit.tasks.retire_old_months",
        "schedule": crontab(hour=2, minute=30),
        "options": _LONG,
    },
    "run exports": {
        "task": "audit.tasks.start_exports",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "delete expired exports": {
        "task": "audit.tasks.delete_expired_exports",
        "schedule": crontab(minute=15),
        "options": {"expires": 1800},
    },
    "forget sessions": {
        "task": "cliqtel_portal.accounts.tasks.forget_sessions",
        "schedule": crontab(hour=3, minute=10),
        "options": {"expires": 12 * 3600},
    },
    "purge dead tokens": {
        "task": "mcp_access.tasks.purge_dead_tokens",
        "schedule": crontab(hour=3, minute=20),
        "options": {"expires": 12 * 3600},
    },
    "collect unused clients": {
        "task": "mcp_access.tasks.collect_unused_clients",
        "schedule": crontab(minute=25),
        "options": {"expires": 1800},
    },
    "delete spent codes": {
        "task": "mcp_access.tasks.delete_spent_codes",
        "schedule": crontab(minute=35),
        "options": {"expires": 1800},
    },
    "delete old attempts": {
        "task": "mcp_access.tasks.delete_old_attempts",
        "schedule": crontab(hour=3, minute=40),
        "options": {"expires": 12 * 3600},
    },
    "forget old idempotency keys": {
        "task": "mcp_access.tasks.forget_old_keys",
        "schedule": crontab(minute=45),
        "options": {"expires": 1800},
    },
    # Each hour, because a day begins in each tenant's own zone.
    "warn of expiries": {
        "task": "mcp_access.tasks.warn_of_expiries",
        "schedule": crontab(minute=50),
        "options": {"expires": 1800},
    },
    "roll up usage": {
        "task": "mcp_access.tasks.roll_up_usage",
        "schedule": 120.0,
        "options": {"expires": 110},
    },
    "warn of months": {
        "task": "mcp_access.tasks.warn_of_months",
        "schedule": 120.0,
        "options": {"expires": 110},
    },
    # Each hour, not once a month: a run that was missed is made up for.
    "close months": {
        "task": "mcp_access.tasks.close_months",
        "schedule": crontab(minute=20),
        "options": {"expires": 1800},
    },
    "remove leftovers of self-tests": {
        "task": "mcp_access.tasks.remove_self_test_leftovers",
        "schedule": 120.0,
        "options": {"expires": 110},
    },
    "delete expired offers": {
        "task": "cliqtel_portal.numbers.tasks.delete_expired_offers",
        "schedule": 300.0,
        "options": {"expires": 290},
    },
    "hand back numbers": {
        "task": "cliqtel_portal.numbers.tasks.hand_back_numbers",
        "schedule": 600.0,
        "options": {"expires": 590},
    },
    "release expired reservations": {
        "task": "cliqtel_portal.numbers.tasks.release_expired_reservations",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "withdraw forgotten orders": {
        "task": "cliqtel_portal.numbers.tasks.withdraw_forgotten_orders",
        "schedule": 300.0,
        "options": {"expires": 290},
    },
}
