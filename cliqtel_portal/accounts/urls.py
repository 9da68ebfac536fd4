"""What of django-allauth is reachable, by name. Its e-mail pages and log-in codes are not."""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import path, re_path

from cliqtel_portal.accounts import invitation_views, profile_views, views

urlpatterns = [
    path("login/", views.LoginView.as_view(), name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    # Closed (adapter.py): the page says who can invite.
    path("signup/", allauth_views.signup, name="account_signup"),
    path("password/change/", views.PasswordChangeView.as_view(), name="account_change_password"),
    path("password/reset/", views.PasswordResetView.as_view(), name="account_reset_password"),
    path(
        "password/reset/done/",
        allauth_views.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.PasswordResetFromKeyView.as_view(),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("invitation/<str:secret>/", invitation_views.invitation, name="account_invitation"),
    path("email/<str:token>/", profile_views.confirm_email, name="account_confirm_email"),
    path("tenant/", views.switch_tenant, name="account_tenant"),
    path("theme/", views.set_theme, name="account_theme"),
]
