"""The pages for signing in and out. Their names are allauth's, which reverses them."""

from allauth.account import views as account
from django.urls import path, re_path
from django.views.decorators.http import require_http_methods

# Django's views of forms take a PUT for a POST; no page sends one.
by_form = require_http_methods(["GET", "HEAD", "POST"])

# Of allauth's pages only these: nobody signs up, changes an address or proves one by mail here.
urlpatterns = [
    path("login/", by_form(account.login), name="account_login"),
    path("logout/", by_form(account.logout), name="account_logout"),
    path("inactive/", by_form(account.account_inactive), name="account_inactive"),
    path("signup/", by_form(account.signup), name="account_signup"),  # says that it is closed
    path("login/code/", by_form(account.request_login_code), name="account_request_login_code"),
    path("login/code/confirm/", by_form(account.confirm_login_code), name="account_confirm_login_code"),
    path("password/reset/", by_form(account.password_reset), name="account_reset_password"),
    path("password/reset/done/", by_form(account.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        by_form(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        by_form(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]
