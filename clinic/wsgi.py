"""The web server's way in."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
application = get_wsgi_application()

# A page makes some 10,000 objects; a collection of all that was loaded before would be a quarter of its time.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 50, 50)
