"""The owner's pages that bring people and visits from elsewhere, and hand them out."""

from django.urls import path

from clinic.people.views import importing

urlpatterns = [
    path("import/", importing.import_list, name="import-list"),
    path("import/new/<slug:kind>/", importing.import_new, name="import-new"),
    path("import/<int:pk>/", importing.import_page, name="import"),
    path("import/<int:pk>/columns/", importing.import_columns, name="import-columns"),
    path("import/<int:pk>/take-over/", importing.import_take_over, name="import-take-over"),
    path("import/<int:pk>/undo/", importing.import_undo, name="import-undo"),
    path("import/<int:pk>/wake/", importing.import_wake, name="import-wake"),
    path("import/<int:pk>/forget/", importing.import_forget, name="import-forget"),
    path("import/<int:pk>/problems.csv", importing.import_findings, name="import-findings"),
    path("export/<slug:kind>.csv", importing.export, name="export"),
]
