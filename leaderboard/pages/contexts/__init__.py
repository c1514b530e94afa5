"""What a longer context costs: figures and a table that several pages show."""
