"""Members of staff: accounts, roles with their scope, log-in."""
