"""One contest: its life, its entries and what its feed says."""
