"""Where real sales come from: public services, and databases. Offline; imported by commands."""
