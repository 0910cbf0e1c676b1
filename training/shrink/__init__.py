"""Trained networks as ONNX graphs, and those in 8 bits."""
