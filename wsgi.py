"""The entry for gunicorn and the flask command."""

from click import get_current_context

import config
from billing import create_app

# The flask command imports this file inside a click context, gunicorn does not. Commands may run
# before the webhook secret exists (`flask billing stripe-setup` makes it); serving may not.
app = create_app(config.load(serving=get_current_context(silent=True) is None))
