"""What is paid out to winners: connected accounts and transfers. It must not move the books itself."""
