"""An invented district for the staff's desk: areas, people, a member for each role, duplicates to judge, an import to mend."""
