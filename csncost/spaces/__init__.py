"""Design spaces: many networks counted at once, queried, searched, solved for and exported.

A space is some specs and the axes along which they vary; `counting` says what all of its designs cost. Nothing loops
over designs in Python but `one_by_one`, which serves a handful.
"""
