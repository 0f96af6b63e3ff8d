"""The demo town: one complete month of a programme, played through the services' real interfaces.

`story.py` runs the steps and remembers which are done, so that a demo killed at any point goes on where it was; `month.py`
holds the steps; `people.py` and `market.py` play the households and the shops; `cheats.py` tries to cheat; `show.py` tells it.
"""
