"""The kinds of telephone number and what one can carry, in the words carriers use."""

from __future__ import annotations

from django.db import models


class NumberType(models.TextChoices):
    LOCAL = "local", "Local"
    MOBILE = "mobile", "Mobile"
    NATIONAL = "national", "National"
    TOLL_FREE = "toll_free", "Toll-free"


class Capability(models.TextChoices):
    VOICE = "voice", "Voice"
    SMS = "sms", "SMS"
    MMS = "mms", "MMS"
    WHATSAPP = "whatsapp", "WhatsApp"
    FAX = "fax", "Fax"
