"""Pure functions of stored records, and the database they are pushed to and pulled from."""
