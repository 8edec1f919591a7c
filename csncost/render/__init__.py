"""Views of tables and reports for a terminal; the only part that imports rich."""
