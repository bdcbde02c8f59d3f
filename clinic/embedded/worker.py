"""Celery's worker with beat in a thread: in two processes each would load the whole house, 100 MB more."""

import logging
import os
import signal
import threading

from celery import bootsteps
from celery.beat import Service

from clinic.celery import app

logger = logging.getLogger(__name__)
# Short, so that beat follows a stop within the runner's patience.
LONGEST_SLEEP_SECONDS = 1


class BeatBeside(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """Start beat with the worker and stop it with the worker. Where beat fails, both end and the runner starts both."""

    def __init__(self, worker: object, **options: object) -> None:
        super().__init__(worker, **options)
        self.service = Service(
            app,
            max_interval=LONGEST_SLEEP_SECONDS,
            schedule_filename=os.environ["BEAT_SCHEDULE"],
            scheduler_cls=app.conf.beat_scheduler,
        )
        self._is_stopping = False

    def start(self, _worker: object) -> None:
        """Tick in the background."""
        threading.Thread(target=self._tick, name="beat", daemon=True).start()

    def stop(self, _worker: object) -> None:
        """Stop ticking and keep what was last due."""
        self._is_stopping = True
        self.service.stop(wait=True)

    def _tick(self) -> None:
        try:
            self.service.start()
        except Exception:
            logger.exception("Beat failed.")
        finally:
            if not self._is_stopping:
                os.kill(os.getpid(), signal.SIGTERM)


app.steps["worker"].add(BeatBeside)
