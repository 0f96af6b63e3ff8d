"""Nutshell's mint beside ours: its environment, and one load for every mint."""
