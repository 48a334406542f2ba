"""How long tests wait for what comes by itself."""

PATIENCE_SEC = 600.0
"""Ten times what the slowest wait takes on a quiet machine: only what is broken takes longer. A test's own limit, in
pyproject.toml, lies above it, so that a failure says what was waited for."""
