"""Views of tables, reports and designs: terminal, files and figures; the only part that imports rich and matplotlib."""
