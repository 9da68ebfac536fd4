"""The pages of Settings that are about people and the account itself."""

from __future__ import annotations

from django.urls import path

from cliqtel_portal.accounts import members_views, profile_views, settings_views

urlpatterns = [
    path("profile/", profile_views.profile, name="settings-profile"),
    path("profile/email/", profile_views.email, name="settings-email"),
    path("security/", profile_views.security, name="settings-security"),
    path(
        "security/sign-out-others/", profile_views.sign_out_others, name="settings-sign-out-others"
    ),
    path("security/<uuid:session_id>/sign-out/", profile_views.sign_out, name="settings-sign-out"),
    path("members/", members_views.member_list, name="settings-members"),
    path("members/<uuid:membership_id>/", members_views.member_detail, name="settings-member"),
    path(
        "members/<uuid:membership_id>/remove/",
        members_views.member_remove,
        name="settings-member-remove",
    ),
    path(
        "members/invitations/<uuid:invitation_id>/resend/",
        members_views.invitation_resend,
        name="settings-invitation-resend",
    ),
    path(
        "members/invitations/<uuid:invitation_id>/withdraw/",
        members_views.invitation_withdraw,
        name="settings-invitation-withdraw",
    ),
    path("leave/", members_views.leave, name="settings-leave"),
    path("account/", settings_views.account, name="settings-account"),
]
