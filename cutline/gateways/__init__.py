"""The outside world: Stripe and the score provider."""
