"""Figures for papers (Matplotlib): as wide as a column, readable in grey and by the colour-blind."""
