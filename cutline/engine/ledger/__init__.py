"""The one ledger: double-entry books in integer cents. It must not know how Stripe or a file is reached."""
