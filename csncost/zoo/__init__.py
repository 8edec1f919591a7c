"""Named networks (`*.csn`) and published figures (CSV) as data, and what sets ours beside them.

A network is added as one text file, a published figure as one line of a CSV; no code knows a network by name.
"""
