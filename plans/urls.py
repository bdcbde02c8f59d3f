from django.urls import path

from plans import views

app_name = "plans"

urlpatterns = [
    path("clients/<int:pk>/plan/", views.plan, name="plan"),
    path("clients/<int:pk>/plan/new/", views.plan_new, name="plan-new"),
    path("clients/<int:pk>/plan/end/", views.plan_end, name="plan-end"),
    path("clients/<int:pk>/progress/", views.progress, name="progress"),
    path("clients/<int:pk>/scores/new/", views.score_new, name="score-new"),
]
