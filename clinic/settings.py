"""Settings: everything that differs between installations comes from the environment (.env.example lists it)."""

import sys
from pathlib import Path
from urllib.parse import parse_qsl

import django_stubs_ext
import environ
import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def required(name: str) -> str:
    """Return a setting that has no safe default, or end with one sentence that says what to do."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment (see .env.example), or start with: make demo.")
    return str(value)


DEBUG = env.bool("DEBUG", default=False)
# The servers that come along: plain http on loopback, static files straight from the checkout.
EMBEDDED = env.bool("EMBEDDED", default=False)
SECRET_KEY = required("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "pghistory",
    "pgtrigger",
    "phonenumber_field",
    "clinic.lib",
    "clinic.audit",
    "clinic.people",
    "clinic.scheduling",
    "clinic.reminders",
    "intake",
    "sessions.apps.SessionsConfig",
    "plans",
    "clinic.desk",
    "clinic.portal",
    "clinic.public",
    "clinic.demo",
]

MIDDLEWARE = [
    "clinic.lib.middleware.CountingIsAwayMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "clinic.lib.middleware.now_middleware",
    "clinic.lib.middleware.each_read_once_middleware",
    "clinic.people.middleware.sign_in_ends_middleware",
    "clinic.lib.middleware.never_stored_middleware",
    "intake.tablet.tablet_middleware",
]

ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"
ASGI_APPLICATION = "clinic.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.people.context.clinic_and_theme",
                "clinic.people.context.worklist_counts",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# The owner's role migrates; the app's role can neither alter nor truncate what is signed. The pool serves the web only:
# a Celery process keeps its one connection.
MIGRATING = sys.argv[1:2] == ["migrate"]
DATABASES = {"default": env.db_url_config(required("MIGRATION_DATABASE_URL" if MIGRATING else "DATABASE_URL"))}
if env.bool("DATABASE_POOL", default=False):
    # Beside the options of the address (sslmode), not in their place. Each connection is a process of some 20 MB.
    POOL = {"min_size": 1, "max_size": 4 if EMBEDDED else 8, "timeout": 10}
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = POOL
DATABASES["default"]["ATOMIC_REQUESTS"] = False
# The server plans what is asked again and again once for each connection, not each time.
DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=2)
# Else, after a restart of the database, each pooled connection fails one request.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required("REDIS_URL")
# redis-py says unix://, kombu says redis+socket://; both come from the one setting.
BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "stillpoint",
        # A broker that hangs must not hang the sign-in, which counts its tries here.
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

CELERY_BROKER_URL = BROKER_URL
# What is short and must be prompt goes to the first; a worker that names none listens to all.
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in ("celery", "mail", "text", "slow")}
CELERY_TASK_ROUTES = {"clinic.people.tasks.*": {"queue": "slow"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Above the longest task (120 s), so that nothing is delivered twice while it runs; what a dead worker held comes back
# soon.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "global_keyprefix": "stillpoint:",
}
# Where worker and beat leave a sign of life for whoever keeps them running; nowhere, where nobody does.
PULSE_FOLDER = env.str("PULSE_FOLDER", default="")
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "clinic.celery.HeartbeatScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 10
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "clinic.reminders.tasks.sweep", "schedule": 60.0, "options": {"expires": 55}},
    "answer_texts": {
        "task": "clinic.reminders.tasks.answer_texts",
        "schedule": 15.0,
        "options": {"expires": 14, "queue": "text"},
    },
    "waitlist": {"task": "clinic.scheduling.tasks.offer_free_times", "schedule": 60.0, "options": {"expires": 55}},
    "let_therapists_leave": {
        "task": "clinic.people.tasks.let_therapists_leave",
        "schedule": 3600.0,
        "options": {"expires": 3500},
    },
    "evaluate_anew": {"task": "intake.tasks.evaluate_anew", "schedule": 60.0, "options": {"expires": 55}},
    "forget_imports": {"task": "clinic.people.tasks.forget_imports", "schedule": 3600.0, "options": {"expires": 3500}},
}

# Where documents about clients are kept: private, on a disk that every web server shares, no part of the website.
FILES_FOLDER = env.str("FILES_FOLDER", default="")

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["clinic.people.signed_in.Backend"]
SESSION_ENGINE = "clinic.people.signed_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "clinic.people.signin.ClinicAccountAdapter"
ACCOUNT_FORMS = {
    "confirm_login_code": "clinic.people.signin.TypedCodeForm",
    "request_login_code": "clinic.people.signin.ClientCodeForm",
    "reset_password": "clinic.people.signin.StaffPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
ACCOUNT_PREVENT_ENUMERATION = True
# Whoever asks gets a mail, so that an unknown address takes as long as a known one.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
# At most ten checks of a password, or of codes, in any quarter of an hour for an account. A code is good for three
# tries and ten minutes: those that are checked in one were asked for within 25. Booking draws on the same codes.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,10/15m/key", "request_login_code": "20/m/ip,60/h/ip,3/25m/key"}
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # the clinic's locations each have their own; nothing a person reads is in this one

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "clinic" / "static"]
STATIC_ROOT = None if EMBEDDED else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = EMBEDDED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# A mail server; or a mail service that anymail knows by this name, with its settings in the query and told of bounces.
MAIL_SERVICE, _, MAIL_SERVICE_SETTINGS = env.str("EMAIL_URL", default="consolemail://").partition("://?")
if MAIL_SERVICE_SETTINGS:
    INSTALLED_APPS.append("anymail")
    EMAIL_BACKEND = f"anymail.backends.{MAIL_SERVICE}.EmailBackend"
    ANYMAIL = dict(parse_qsl(MAIL_SERVICE_SETTINGS)) | {"REQUESTS_TIMEOUT": 10}
else:
    MAIL_SERVICE = ""
    vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# Where the example clinic keeps what it sends, to be shown on a page.
MAILBOX = env.str("MAILBOX", default="") if EMBEDDED else ""
if MAILBOX:
    EMAIL_BACKEND = "clinic.demo.mailbox.EmailBackend"
# Who carries texts; nobody where it is empty.
TEXT_URL = env.str("TEXT_URL", default="mailbox://" if MAILBOX else "")
DEFAULT_FROM_EMAIL = env.str("FROM_EMAIL", default="clinic@example.org")
EMAIL_TIMEOUT = 20

# Strict: nothing inline, nothing from elsewhere. Body maps and charts are inlined as elements and need no exception.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
INSECURE_COOKIES = env.bool("INSECURE_COOKIES", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not INSECURE_COOKIES
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^healthz$"]
# One proxy of ours ends TLS and says what it saw; nothing reaches this server past it.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
if BEHIND_PROXY:
    MIDDLEWARE.insert(0, "clinic.lib.middleware.proxy_address_middleware")
SECURE_HSTS_SECONDS = 0 if INSECURE_COOKIES else 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not INSECURE_COOKIES
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
# What a message says of a client stays on the server.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "clinic.public.views.csrf_failure"

# Who, when and why stand in each row of the change history: there is no table of contexts that could be changed.
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_CONTEXT_ID_FIELD = pghistory.ContextUUIDField()
# The moment that the service was told, as in every other record; the database's own where nobody told it.
PGHISTORY_CREATED_AT_FUNCTION = (
    "COALESCE((NULLIF(CURRENT_SETTING('pghistory.context_metadata', TRUE), '')::JSONB ->> 'at')::TIMESTAMPTZ, NOW())"
)
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(db_index=True, related_name="+", related_query_name="+")

PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_REGION = env.str("PHONE_REGION", default=None)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "clinic.lib.logs.DiscreetFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # It tells the address of each call, with the account in it.
        "httpx": {"level": "WARNING"},
    },
}
