from django.urls import path

from clinic.portal import booking, consents, views

app_name = "portal"

urlpatterns = [
    path("me/", views.home, name="home"),
    path("me/visits/", views.visits, name="visits"),
    path("me/visits/<int:pk>/cancel/", booking.visit_cancel, name="visit-cancel"),
    path("me/visits/<int:pk>/move/", booking.visit_move, name="visit-move"),
    path("me/<int:client_pk>/choose/", views.choose, name="choose"),
    path("me/<int:client_pk>/agreed/", consents.agreed, name="agreed"),
    path("me/<int:client_pk>/agreed/<int:pk>/take-back/", consents.take_back, name="take-back"),
    path("me/<int:client_pk>/plan/", views.plan, name="plan"),
]
