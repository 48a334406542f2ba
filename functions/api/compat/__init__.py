"""The paths of the systems that Clipwise replaces: thin adapters over the native routes."""
