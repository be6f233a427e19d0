"""What clients may rely on: the OpenAPI documents, how they may change, and the page of refusals.

All of it is made from the table of operations and the registry of refusals; nothing here says what a route does.
"""
