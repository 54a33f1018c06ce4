"""Who may enter the console: passwords, sessions, tokens, CSRF, limits."""
