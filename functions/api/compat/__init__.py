"""The paths of the systems that Clipwise replaces, thin over the native routes: other names for the same things."""
