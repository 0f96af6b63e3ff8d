"""Numbers as the language of the page writes them: Western digits everywhere, so that screen, paper and till match."""

from django.utils.formats import number_format
from django.utils.translation import get_language


def grouped(value: int) -> str:
    """A whole number with its groups of three: 41,500; 41 500; 41.500."""
    if (get_language() or "en").startswith("ar"):
        return f"{value:,}"  # Django knows no groups in Arabic
    return str(number_format(value, use_l10n=True, force_grouping=True))
