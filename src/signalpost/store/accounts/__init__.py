"""Members of organizations, their passwords, sessions, links and secrets as rows, and what they did."""
