"""Files: structures that a person brings along, and those that come along."""
