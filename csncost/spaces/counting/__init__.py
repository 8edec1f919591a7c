"""A space, and the costs of all of its designs.

A space is some specs and the axes along which they vary (`space`, `axes`). Its costs are sums of products of small
arrays (`factored`), lowered once per structure (`lowering`) and written out last, a chunk at a time (`chunks`,
`evaluate`), by threads or the workers of a Dask scheduler (`workers`).
"""
