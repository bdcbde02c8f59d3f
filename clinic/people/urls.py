from django.urls import path

from clinic.people.views import clients, pictures, settings, setup

app_name = "people"
urlpatterns = [
    path("set-up/<str:token>/", setup.setup, name="setup"),
    path("pictures/<slug:digest>/", pictures.picture, name="picture"),
    # clients
    path("clients/", clients.client_list, name="client-list"),
    path("clients/new/", clients.client_new, name="client-new"),
    path("clients/<int:pk>/edit/", clients.client_edit, name="client-edit"),
    # the owner's pages
    path("settings/", settings.settings, name="settings"),
]
