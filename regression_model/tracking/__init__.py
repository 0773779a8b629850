"""Trainings, searches and experiments as runs of MLflow; imported only where tracking is asked for.

What is tracked is always a file or folder that is already saved, and MLflow is imported by the
command ``track`` alone: a training starts that command as a process of its own, for a limited time.
"""
