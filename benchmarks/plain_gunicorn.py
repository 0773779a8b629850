"""The service's gunicorn settings without its model, for the constant-answering floor."""

from __future__ import annotations

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = 1
worker_class = "gthread"
threads = 4
keepalive = 5
accesslog = None
control_socket_disable = True
