"""Stripe and the score feed as real HTTP servers, also usable alone."""
