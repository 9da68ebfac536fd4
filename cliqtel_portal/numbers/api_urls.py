from __future__ import annotations

from django.urls import path

from cliqtel_portal.numbers import api

app_name = "numbers_api"

urlpatterns = [
    path("stock/", api.StockView.as_view(), name="stock"),
    path("reservations/", api.ReservationListView.as_view(), name="reservations"),
    path("reservations/<uuid:reservation_id>/", api.ReservationView.as_view(), name="reservation"),
]
