from django.urls import include, path

from clinic.people.views import (
    clients,
    invitation,
    merging,
    pictures,
    record,
    search,
    settings,
    setup,
    staff,
    therapists,
)

app_name = "people"
urlpatterns = [
    path("set-up/<str:token>/", setup.setup, name="setup"),
    path("pictures/<slug:digest>/", pictures.picture, name="picture"),
    path("invitations/accept/", invitation.invitation_accept, name="invitation-accept"),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
    # clients
    path("clients/", clients.client_list, name="client-list"),
    path("clients/search/", search.client_search, name="client-search"),
    path("clients/new/", clients.client_new, name="client-new"),
    path("clients/<int:pk>/edit/", clients.client_edit, name="client-edit"),
    path("clients/<int:pk>/merge/", merging.client_merge, name="client-merge"),
    path("merges/<int:pk>/undo/", merging.merge_undo, name="merge-undo"),
    path("clients/<int:pk>/consents/", record.client_consents, name="client-consents"),
    path("clients/<int:pk>/note/", record.client_note, name="client-note"),
    path("clients/<int:pk>/archive/", record.client_archive, name="client-archive"),
    path("clients/<int:pk>/bring-back/", record.client_bring_back, name="client-bring-back"),
    # the owner's pages
    path("settings/", settings.settings, name="settings"),
    path("settings/", include("clinic.people.settings_urls")),
    path("settings/", include("clinic.people.import_urls")),
    # staff and therapists
    path("settings/staff/", staff.staff_list, name="staff-list"),
    path("settings/staff/invite/", staff.staff_invite, name="staff-invite"),
    path("settings/staff/invitations/<int:pk>/again/", staff.invitation_again, name="invitation-again"),
    path("settings/staff/invitations/<int:pk>/withdraw/", staff.invitation_withdraw, name="invitation-withdraw"),
    path("settings/staff/<int:pk>/", staff.staff_member, name="staff-member"),
    path("settings/staff/<int:pk>/deactivate/", staff.staff_deactivate, name="staff-deactivate"),
    path("settings/staff/<int:pk>/reactivate/", staff.staff_reactivate, name="staff-reactivate"),
    path("settings/staff/<int:pk>/bookable/", therapists.staff_bookable, name="staff-bookable"),
    path("settings/therapists/<int:pk>/", therapists.therapist, name="therapist"),
    path("settings/therapists/<int:pk>/profile/", therapists.therapist_profile, name="therapist-profile"),
    path("settings/therapists/<int:pk>/leave/", therapists.therapist_leave, name="therapist-leave"),
    path("settings/therapists/<int:pk>/bring-back/", therapists.therapist_bring_back, name="therapist-bring-back"),
    path("settings/therapists/<int:pk>/clients/", therapists.therapist_clients, name="therapist-clients"),
    path("settings/my-profile/", therapists.my_profile, name="my-profile"),
]
