"""How gunicorn serves the portal; every value may be overridden on its command line."""

# Threads, because a worker that waits for Stripe or a slow reader must not hold up the others.
worker_class = "gthread"
workers = 2
threads = 8
timeout = 60
graceful_timeout = 20
keepalive = 5
accesslog = None
# Nobody controls it through the socket that it would put into the home directory.
control_socket_disable = True
