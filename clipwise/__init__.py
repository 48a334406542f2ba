"""The installed program: `clipwise` or `python -m clipwise`. It has no Python API."""
