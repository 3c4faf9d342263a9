"""The entry for gunicorn and the flask command."""

from click import ClickException, get_current_context

import config
from billing import create_app

# The flask command imports this file inside a click context, gunicorn does not. Commands may run
# before the webhook secret exists (`flask billing stripe-setup` makes it); serving may not.
context = get_current_context(silent=True)
try:
    settings = config.load(serving=context is None or context.info_name == "run")
except config.ConfigurationError as error:
    if context is None:
        raise
    # Told in sentences to whoever typed the command.
    raise ClickException(str(error)) from None
app = create_app(settings)
