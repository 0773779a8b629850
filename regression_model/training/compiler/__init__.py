"""From the fitted pipeline to its ONNX graph, and the proof that both give the same prices."""
