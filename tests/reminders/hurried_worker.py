"""The clinic's own worker, which notices within seconds that it hears nothing any more."""

from clinic import celery

__all__ = ["app"]

app = celery.app
celery.HEARS_ITSELF_EVERY_SECONDS, celery.DEAF_AFTER_SECONDS = 1, 4
