from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "sessions"
    label = "treatment"  # "sessions" is the label of Django's own app
