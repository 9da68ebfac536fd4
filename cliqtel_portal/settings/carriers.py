"""Upstream carriers on one page. Times in seconds."""

from __future__ import annotations

from typing import Any

# By slug, which rows and webhook URLs keep for ever. `backend` and `webhook` are dotted paths;
# `options` and `webhook_options` their keyword arguments: credentials come from the environment.
CARRIERS: dict[str, dict[str, Any]] = {
    "sandbox": {
        "backend": "cliqtel_portal.carriers.backends.sandbox.SandboxCarrier",
        "webhook": "cliqtel_portal.carriers.webhooks.sandbox.SandboxWebhook",
    },
}
# Who gets new operations; older ones stay with the carrier that they were written for.
CARRIER_DEFAULT = "sandbox"

# Attempts of one operation. Fewer than an approval's, and their waits are shorter together: the
# approval that waits for it hears the end.
CARRIER_MAX_ATTEMPTS = 7
CARRIER_RETRY_SECONDS = 10  # the first; doubled each time, a quarter more or less
CARRIER_RETRY_MAX_SECONDS = 240  # a carrier's own Retry-After counts up to here too
# An attempt that brought no outcome in this time is taken over, if its worker let go of the lock.
CARRIER_CLAIM_SECONDS = 60
CARRIER_WAIT_SECONDS = 10  # who wants the outcome at once waits so long for another's attempt

# A signed webhook older (or newer) than this is refused: nobody replays what they once overheard.
CARRIER_WEBHOOK_WINDOW_SECONDS = 300
CARRIER_WEBHOOK_MAX_BYTES = 64 * 1024
CARRIER_WEBHOOK_RECEIPT_DAYS = 30  # no carrier repeats an event for longer
