"""Spellings that constraints of this app hold, and the channels there are."""

from __future__ import annotations

from django.db import models

CURRENCY = r"^[A-Z]{3}$"
E164 = r"^\+[1-9][0-9]{6,14}$"


class Channel(models.TextChoices):
    SMS = "sms", "SMS"
    WHATSAPP = "whatsapp", "WhatsApp"


CHANNELS = ["sms", "whatsapp"]
ENCODINGS = ["gsm7", "ucs2", "utf8"]
