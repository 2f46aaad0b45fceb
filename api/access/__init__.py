"""Who may do what: keys, callers, sessions, limits. What they may ask for is each router's own."""
