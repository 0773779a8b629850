"""The compiled twin of a pipeline, and the proof that both give the same prices."""
