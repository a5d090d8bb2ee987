"""Documents: what lies in the collections, as pydantic models in which every field says what it is, and its unit."""
