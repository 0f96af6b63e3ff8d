"""Long work as rows in the database: progress, reason, retry; survives a closed tab, a restart, a crash."""
