"""Who is who: RFM scores, lifecycle segments, and the tables that are made of them."""
