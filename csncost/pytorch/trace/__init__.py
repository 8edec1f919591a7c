"""Traces: a module is run on meta tensors, every operation is written down, and the module is put back."""
