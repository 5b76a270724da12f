"""Voice in the browser: the call model, its signalling, and the media process beside it."""
