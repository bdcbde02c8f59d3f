from django.urls import path

from clinic.people.views import clients, pictures, record, search, settings, setup

app_name = "people"
urlpatterns = [
    path("set-up/<str:token>/", setup.setup, name="setup"),
    path("pictures/<slug:digest>/", pictures.picture, name="picture"),
    # clients
    path("clients/", clients.client_list, name="client-list"),
    path("clients/search/", search.client_search, name="client-search"),
    path("clients/new/", clients.client_new, name="client-new"),
    path("clients/<int:pk>/edit/", clients.client_edit, name="client-edit"),
    path("clients/<int:pk>/consents/", record.client_consents, name="client-consents"),
    path("clients/<int:pk>/note/", record.client_note, name="client-note"),
    path("clients/<int:pk>/archive/", record.client_archive, name="client-archive"),
    path("clients/<int:pk>/bring-back/", record.client_bring_back, name="client-bring-back"),
    # the owner's pages
    path("settings/", settings.settings, name="settings"),
]
