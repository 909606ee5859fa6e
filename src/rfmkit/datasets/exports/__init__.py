"""Order exports of shop platforms, made from simulated shops, each with its truth."""
