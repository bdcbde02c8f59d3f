from django.urls import path

from clinic.public import views

urlpatterns = [
    path("", views.home, name="home"),
    path("theme/", views.theme, name="theme"),
    path("livez", views.livez, name="livez"),
    path("healthz", views.healthz, name="healthz"),
]
