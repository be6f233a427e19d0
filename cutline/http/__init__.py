"""The doors: routes, schemas, authentication, webhooks, pages and the client."""
