from django.urls import path

from clinic.desk import views_day, views_dragging, views_people

app_name = "desk"
urlpatterns = [
    path("day/", views_day.day, name="day"),
    path("day/visits/", views_day.day_visits, name="day-visits"),
    path("day/visits/<int:pk>/place/", views_dragging.visit_place, name="visit-place"),
    path("day/visits/<int:pk>/length/", views_dragging.visit_length, name="visit-length"),
    path("appointments/<int:pk>/", views_day.appointment, name="appointment"),
    path("my-day/", views_people.my_day, name="my-day"),
    path("clients/<int:pk>/", views_people.client, name="client"),
]
