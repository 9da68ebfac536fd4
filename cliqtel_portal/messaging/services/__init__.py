"""What this app does, by verb; one file for each family."""

from __future__ import annotations

from cliqtel_portal.messaging.services.allowance import DailyAllowance, daily_allowance
from cliqtel_portal.messaging.services.limits import set_limit
from cliqtel_portal.messaging.services.opt_outs import add_opt_out, end_opt_out
from cliqtel_portal.messaging.services.preparing import Excluded, Prepared, prepare
from cliqtel_portal.messaging.services.sending import (
    Origin,
    check_draft,
    draft,
    link_draft,
    send_draft,
    send_now,
    withdraw_draft,
)

__all__ = [
    "DailyAllowance",
    "Excluded",
    "Origin",
    "Prepared",
    "add_opt_out",
    "check_draft",
    "daily_allowance",
    "draft",
    "end_opt_out",
    "link_draft",
    "prepare",
    "send_draft",
    "send_now",
    "set_limit",
    "withdraw_draft",
]
