"""jobflow-remote: the engine for clusters whose nodes reach no database."""
