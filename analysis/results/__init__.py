"""What is asked of a database: fields, conditions, and the rows that meet them."""
