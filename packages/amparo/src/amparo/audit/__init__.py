"""The public audit: everything an outsider can check with the log's address and its public key, and nothing else.

`checks.py` holds the checks as pure functions over what the log says; `service.py` reads the log; `page.py` shows the result
as one static HTML page with plots, readable without JavaScript, in five languages.
"""
