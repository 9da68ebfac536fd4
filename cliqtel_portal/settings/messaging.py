"""Policy of SMS and WhatsApp."""

from __future__ import annotations

# What a WhatsApp message costs, whoever gets it, by currency. SMS prices are in the price list.
MESSAGING_WHATSAPP_PRICES = {"EUR": "0.06", "GBP": "0.052", "USD": "0.065"}
# The longest SMS that is sent, in parts: phones put more together badly, and it is dear.
MESSAGING_MAX_SEGMENTS = 10
# For so long after a person wrote, WhatsApp lets one answer without an approved template: seconds.
MESSAGING_WHATSAPP_WINDOW_SECONDS = 24 * 3600
# The highest daily limit that an admin can set.
MESSAGING_MAX_MESSAGES_PER_DAY = 100_000
MESSAGING_MAX_AMOUNT_PER_DAY = "100000"
