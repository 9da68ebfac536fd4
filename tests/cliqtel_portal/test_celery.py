"""Against typing errors in the timetable: beat sends any name, and only the worker notices."""

from __future__ import annotations

from cliqtel_portal.celery import app


def test_every_entry_of_the_timetable_names_a_task_that_there_is():
    app.loader.import_default_modules()
    wanted = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert len(wanted) >= 3
    assert wanted - set(app.tasks) == set()


def test_repeats_that_waited_out_an_outage_expire():
    assert all(entry["options"]["expires"] for entry in app.conf.beat_schedule.values())
