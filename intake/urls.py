"""Addresses of the intake form, its review, and the findings."""

from django.urls import path

from intake import views, views_asking, views_checkin, views_clearing, views_consents, views_review, views_rules, views_step

app_name = "intake"
urlpatterns = [
    path("i/<str:token>/", views.open_link, name="open"),
    path("me/<int:client_pk>/intake/", views.own, name="own"),
    path("intake/<int:number>/", views_step.step, name="step"),
    path("intake/<int:number>/save/", views_step.step_save, name="step-save"),
    path("intake/stop/", views.stop, name="stop"),
    path("intake/sent/", views.sent, name="sent"),
    path("c/<str:token>/", views_checkin.checkin, name="checkin"),
    path("clients/<int:pk>/intake/invite/", views_review.invite, name="invite"),
    path("intake/tablet/", views_asking.tablet, name="tablet"),
    path("clients/<int:pk>/intake/tablet/", views_asking.hand_over, name="hand-over"),
    path("clients/<int:pk>/intake/take-back/", views_asking.take_back, name="take-back"),
    path("clients/<int:pk>/findings/", views_review.findings, name="findings"),
    path("clients/<int:pk>/findings/crisis/", views_checkin.crisis, name="crisis"),
    path("clients/<int:pk>/findings/guardian/", views_review.guardian_consent, name="guardian-consent"),
    path("clients/<int:pk>/clearances/", views_clearing.clearances, name="clearances"),
    path("clients/<int:pk>/clearances/new/", views_clearing.clearance_new, name="clearance-new"),
    path("clients/<int:pk>/clearances/letter/", views_clearing.letter_new, name="letter-new"),
    path("clients/<int:pk>/documents/add/", views_clearing.document_add, name="document-add"),
    path("clearances/<int:pk>/revoke/", views_clearing.clearance_revoke, name="clearance-revoke"),
    path("documents/<int:pk>/", views_clearing.document, name="document"),
    path("documents/<int:pk>/remove/", views_clearing.document_remove, name="document-remove"),
    path("clients/<int:pk>/agreed/", views_consents.consents, name="consents"),
    path("consents/<int:pk>/take-back/", views_consents.take_back, name="consent-take-back"),
    path("reviews/", views_review.review_list, name="review-list"),
    path("reviews/<int:pk>/", views_review.review, name="review"),
    path("reviews/<int:pk>/done/", views_review.review_done, name="review-done"),
    path("findings/<int:pk>/acknowledge/", views_review.finding_acknowledge, name="finding-acknowledge"),
    path("findings/<int:pk>/close/", views_review.finding_close, name="finding-close"),
    path("settings/rules/", views_rules.rules, name="rules"),
    path("settings/rules/new/", views_rules.rule_new, name="rule-new"),
    path("settings/rules/<slug:code>/", views_rules.rule, name="rule"),
    path("settings/rules/<slug:code>/retire/", views_rules.rule_retire, name="rule-retire"),
]
