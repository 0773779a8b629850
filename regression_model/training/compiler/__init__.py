"""The builder of ONNX graphs, and the converters of scikit-learn's estimators that write to it."""
