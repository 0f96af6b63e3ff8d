"""Errors of the phone apps' server.

AmparoError
  AppsError
    AppsNotBuilt        apps.not_built
    FilesDiffer         apps.files_differ
"""

from amparo_common.errors import AmparoError


class AppsError(AmparoError):
    """Base of this package's errors."""

    code = "apps.error"
    http_status = 500


class AppsNotBuilt(AppsError):
    """The files of an app are not there."""

    code = "apps.not_built"
    why = "A checkout builds them from web/; a wheel brings them along."
    todo = "In a checkout run: python -m tools.phone_apps"


class FilesDiffer(AppsError):
    """An address sends other files than the public log names."""

    code = "apps.files_differ"
    why = "Somebody changed them on the way, or the server sends some people another app."
    todo = "Do not use the app from this address; tell the programme and somebody you trust."
