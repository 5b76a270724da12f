"""Tasks: what somebody has to do, and by when."""
