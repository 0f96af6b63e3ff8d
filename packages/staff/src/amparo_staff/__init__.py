"""What every staff web app shares: accounts and roles, approvals, jobs, audit trail, page layout."""
