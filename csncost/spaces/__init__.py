"""Design spaces: many networks counted at once, queried, searched, solved for and exported.

A space is some specs and the axes along which they vary (`space`, `axes`). Its costs are sums of products of small
arrays (`factored`), lowered once per structure (`lowering`) and written out last, a chunk at a time (`evaluate`);
nothing loops over designs in Python but `one_by_one`, which serves a handful.
"""
