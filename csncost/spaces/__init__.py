"""Design spaces: many networks counted at once, queried, searched, solved for and exported.

Costs are sums of products of small labelled arrays (`products`, `parts`), lowered once per structure (`lowering`) and
spread out last; nothing loops over designs in Python but `one_by_one`, which serves a handful.
"""
