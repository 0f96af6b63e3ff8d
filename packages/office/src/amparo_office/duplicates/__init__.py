"""Possible duplicates: found by a job, judged by people, never a refusal."""
