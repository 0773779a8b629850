"""What runs in gunicorn's master process: the standard library only."""
