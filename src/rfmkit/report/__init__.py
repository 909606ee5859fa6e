"""Reports: tables as text and HTML, and pictures of tables."""
