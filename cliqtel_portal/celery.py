"""The Celery application: tasks are found in each app's tasks.py; the beat's timetable is here."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cliqtel_portal.settings.dev")

app = Celery("cliqtel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Seconds between runs.
app.conf.beat_schedule = {
    "heartbeat": {"task": "cliqtel_portal.tasks.heartbeat", "schedule": 15.0},
}
