"""The umbrella: the `amparo` command, the services side by side, the demo town, the audit and the thief.

With `wallet` the only package that may reach more than one side, because it plays everybody: office, shops, people, an
auditor and a thief. Nothing imports it.
"""
