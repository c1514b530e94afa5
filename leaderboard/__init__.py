"""Judge records (rank, compare, gate) and show them."""
