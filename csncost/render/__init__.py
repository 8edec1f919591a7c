"""Views of tables, reports and designs: terminal, files, figures, pages. Alone imports rich, matplotlib and plotly."""
