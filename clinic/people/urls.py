from django.urls import path

from clinic.people import views

app_name = "people"
urlpatterns = [
    path("set-up/<str:token>/", views.setup, name="setup"),
    path("clients/", views.client_list, name="client-list"),
    path("clients/new/", views.client_new, name="client-new"),
    path("clients/<int:pk>/edit/", views.client_edit, name="client-edit"),
]
