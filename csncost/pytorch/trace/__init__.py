"""Traces: a module run on meta tensors, every operation written down, and the module left as it was."""
