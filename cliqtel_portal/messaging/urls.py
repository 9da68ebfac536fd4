from __future__ import annotations

from django.urls import path

from cliqtel_portal.messaging.views import opt_outs, sent

app_name = "messaging"
urlpatterns = [
    path("", sent.message_list, name="list"),
    path("opt-outs/", opt_outs.opt_out_list, name="opt-outs"),
    path("opt-outs/<uuid:opt_out_id>/end/", opt_outs.opt_out_end, name="opt-out-end"),
    path("<uuid:batch_id>/", sent.batch_detail, name="batch"),
]
