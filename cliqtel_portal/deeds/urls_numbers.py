from __future__ import annotations

from django.urls import path

from cliqtel_portal.deeds import views_numbers

app_name = "number_deeds"
urlpatterns = [
    path("order/", views_numbers.order, name="order"),
    path("connect/", views_numbers.connect_many, name="connect-many"),
    path("<uuid:number_id>/connect/", views_numbers.connect, name="connect"),
    path("<uuid:number_id>/give-up/", views_numbers.give_up, name="give-up"),
]
