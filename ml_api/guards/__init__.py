"""Who is answered: what every request passes before anything else is done for it."""
