"""Where things are kept: PostgreSQL, one module a concern. All SQL of the product is written in this folder."""
