from django.urls import path

from sessions import block_views, views

app_name = "treatment"

urlpatterns = [
    path("notes/", views.note_list, name="note-list"),
    path("appointments/<int:pk>/start/", views.start, name="start"),
    path("notes/<int:pk>/", views.note, name="note"),
    path("notes/<int:pk>/sign/", views.sign, name="sign"),
    path("notes/<int:pk>/addenda/", views.addendum_add, name="addendum-add"),
    path("notes/<int:pk>/blocks/add/", block_views.block_add, name="block-add"),
    path("notes/<int:pk>/blocks/<int:block_pk>/remove/", block_views.block_remove, name="block-remove"),
    path("notes/<int:pk>/marks/", block_views.mark_add, name="mark-add"),
    path("notes/<int:pk>/marks/<int:mark_pk>/remove/", block_views.mark_remove, name="mark-remove"),
]
