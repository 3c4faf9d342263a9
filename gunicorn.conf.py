"""How gunicorn serves the portal; every value may be overridden on its command line."""

# Threads, because a worker that waits for Stripe or a slow reader must not hold up the others.
worker_class = "gthread"
workers = 2
threads = 8
# How long a worker may show no sign of life. Its threads may take longer: a download of any size
# runs as long as its reader reads, and an error in the middle breaks the connection off.
timeout = 60
# What is still being read when a worker is told to stop is broken off after this.
graceful_timeout = 20
keepalive = 5
accesslog = None
# Nobody controls it through the socket that it would put into the home directory.
control_socket_disable = True
