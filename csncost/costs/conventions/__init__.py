"""Counting conventions as data: `rules` says what they are made of, `named` has ours, `tools` those of other counters.

A convention is added as one entry of `named` or `tools`; nothing here counts.
"""
