"""The interactive page of designs (Plotly): one file that works offline."""
