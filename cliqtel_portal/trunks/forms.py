from __future__ import annotations

from django import forms
from django.db.models import Q

from cliqtel_portal.errors import Problem
from cliqtel_portal.trunks.models import Trunk
from cliqtel_portal.trunks.pbx.checks import Choices
from cliqtel_portal.trunks.pbx.setup import PLATFORMS
from cliqtel_portal.trunks.querysets import TrunkQuerySet

_AS_SET = ("", "As the trunk is set")
_YES_NO = {"yes": True, "no": False}


class PbxSetupForm(forms.Form):
    """What the phone system is and how it is to connect; empty means as the trunk is set."""

    platform = forms.ChoiceField(label="Phone system", choices=[*PLATFORMS.items()])
    transport = forms.ChoiceField(label="Transport", required=False)
    srtp = forms.ChoiceField(
        label="Encrypted media (SRTP)",
        required=False,
        choices=[_AS_SET, ("yes", "Yes"), ("no", "No")],
    )
    authentication = forms.ChoiceField(
        label="Authentication",
        required=False,
        choices=[_AS_SET, *Trunk.Authentication.choices],
    )
    pbx_public_ip = forms.CharField(
        label="Public IP address",
        required=False,
        max_length=45,
        help_text="Of the phone system, as the internet sees it. Needed behind NAT and for "
        "authentication by address.",
        widget=forms.TextInput(attrs={"placeholder": "198.51.100.140", "autocomplete": "off"}),
    )
    sbc_fqdn = forms.CharField(
        label="SBC host name",
        required=False,
        max_length=253,
        help_text="For Teams: a name in a domain that is verified in your Microsoft 365 tenant.",
        widget=forms.TextInput(attrs={"placeholder": "sbc1.example.com", "autocomplete": "off"}),
    )

    def __init__(self, data: object = None, *, trunk: Trunk) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        transport = self.fields["transport"]
        assert isinstance(transport, forms.ChoiceField)
        transport.choices = [_AS_SET, *((each, each.upper()) for each in trunk.transports)]

    def choices(self) -> Choices:
        """What was chosen, once the form is valid."""
        chosen = self.cleaned_data
        return Choices(
            platform=chosen["platform"],
            transport=chosen["transport"] or None,
            srtp=_YES_NO.get(chosen["srtp"]),
            authentication=chosen["authentication"] or None,
            pbx_public_ip=chosen["pbx_public_ip"] or None,
            # Left in the form from another platform it is no mistake of a person's.
            sbc_fqdn=(chosen["sbc_fqdn"] or None) if chosen["platform"] == "teams" else None,
        )

    def add_problems(self, problems: tuple[Problem, ...]) -> None:
        """Put each beside its field; what has none of its own, above them."""
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)


class TrunkFilterForm(forms.Form):
    """What the list is narrowed to, from the address."""

    q = forms.CharField(
        label="Name, user name or address",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "Any"),
            ("registered", "Registered"),
            ("attention", "Not registered"),
            ("ip", "By IP address"),
            ("disabled", "Disabled"),
        ],
    )

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name, "").strip() for name in self.fields)

    def narrow(self, trunks: TrunkQuerySet) -> TrunkQuerySet:
        """Those that are asked for; none where a filter makes no sense, the form says which."""
        if not self.is_valid():
            return trunks.none()
        text: str = self.cleaned_data["q"]
        if text:
            trunks = trunks.filter(
                Q(name__icontains=text)
                | Q(username__icontains=text)
                | Q(contact_address__startswith=text)
                | Q(allowed_ips__contains=[text])
            )
        match self.cleaned_data["state"]:
            case "registered":
                return trunks.registered()
            case "attention":
                return trunks.needing_attention()
            case "ip":
                return trunks.filter(status="active", authentication="ip")
            case "disabled":
                return trunks.filter(status="disabled")
        return trunks


class RevealForm(forms.Form):
    """The person's own password, before a trunk's is shown."""

    password = forms.CharField(
        label="Your own password",
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Type the password that you sign in with."},
    )
