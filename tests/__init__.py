"""A package, since a dependency installs one of this name, which would hide the folder from workers."""
