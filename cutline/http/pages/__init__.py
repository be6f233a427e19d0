"""Pages for people: leaderboards for everybody, ops pages for staff, the viewer of the API's documents."""
