"""Logs that training leaves: files read, columns told apart, runs pooled, joined to designs, curves, correlation."""
