"""The mailbox of the example clinic; 404 everywhere else."""

from django.urls import path

from clinic.demo import views

app_name = "demo"
urlpatterns = [
    path("demo/mailbox/", views.mailbox, name="mailbox"),
    path("demo/mailbox/write-back/", views.write_back, name="write-back"),
    path("demo/mailbox/<str:name>/", views.mail, name="mail"),
]
