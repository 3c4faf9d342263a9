"""The entry for Celery: `celery --app worker worker --beat` runs the background tasks."""

import config
from billing import create_app
from billing.worker import celery_for

celery = celery_for(create_app(config.load()))
