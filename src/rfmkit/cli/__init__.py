"""The command line: ``rfmkit segment | check | demo | formats``."""
