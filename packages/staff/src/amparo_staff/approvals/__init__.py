"""Four-eyes approvals: one mechanism for everything that needs a second person."""
