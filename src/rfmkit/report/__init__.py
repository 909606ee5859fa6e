"""Tables in, text, HTML and pictures out."""
