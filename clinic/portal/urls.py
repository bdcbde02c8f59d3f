from django.urls import path

from clinic.portal import views

app_name = "portal"

urlpatterns = [
    path("me/", views.home, name="home"),
    path("me/visits/", views.visits, name="visits"),
    path("me/<int:client_pk>/choose/", views.choose, name="choose"),
    path("me/<int:client_pk>/plan/", views.plan, name="plan"),
]
