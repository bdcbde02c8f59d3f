from django.urls import path

from clinic.desk import views_day, views_people

app_name = "desk"
urlpatterns = [
    path("day/", views_day.day, name="day"),
    path("appointments/<int:pk>/", views_day.appointment, name="appointment"),
    path("my-day/", views_people.my_day, name="my-day"),
    path("clients/<int:pk>/", views_people.client, name="client"),
]
