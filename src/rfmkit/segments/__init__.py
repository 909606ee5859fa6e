"""Segments: RFM scores, lifecycle segments and phases, and tables made from them."""
