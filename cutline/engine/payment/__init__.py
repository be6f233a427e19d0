"""What is asked of Stripe on the way in: intents, cancellations, refunds. It must not move the books."""
