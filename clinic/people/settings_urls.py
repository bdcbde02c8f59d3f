"""The owner's pages about the clinic, its places and its services, below settings/."""

from django.urls import path

from clinic.people.views import catalogue, clinic, places

urlpatterns = [
    path("clinic/", clinic.clinic_edit, name="clinic-edit"),
    path("clinic/logo/", clinic.clinic_logo, name="clinic-logo"),
    path("locations/", places.location_list, name="location-list"),
    path("locations/new/", places.location_new, name="location-new"),
    path("locations/<int:pk>/", places.location, name="location"),
    path("locations/<int:pk>/edit/", places.location_edit, name="location-edit"),
    path("locations/<int:pk>/hours/", places.location_hours, name="location-hours"),
    path("locations/<int:pk>/archive/", places.location_archive, name="location-archive"),
    path("locations/<int:pk>/bring-back/", places.location_bring_back, name="location-bring-back"),
    path("locations/<int:pk>/rooms/new/", places.room_new, name="room-new"),
    path("rooms/<int:pk>/", places.room_edit, name="room-edit"),
    path("rooms/<int:pk>/archive/", places.room_archive, name="room-archive"),
    path("rooms/<int:pk>/bring-back/", places.room_bring_back, name="room-bring-back"),
    path("services/", catalogue.service_list, name="service-list"),
    path("services/new/", catalogue.service_new, name="service-new"),
    path("services/<int:pk>/", catalogue.service_edit, name="service-edit"),
    path("services/<int:pk>/archive/", catalogue.service_archive, name="service-archive"),
    path("services/<int:pk>/bring-back/", catalogue.service_bring_back, name="service-bring-back"),
    path("modalities/new/", catalogue.modality_new, name="modality-new"),
    path("modalities/<int:pk>/", catalogue.modality, name="modality"),
    path("modalities/<int:pk>/archive/", catalogue.modality_archive, name="modality-archive"),
    path("modalities/<int:pk>/bring-back/", catalogue.modality_bring_back, name="modality-bring-back"),
]
