"""The addresses of the layout: files and the choice of language."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from amparo_staff.layout.assets import asset
from amparo_staff.layout.language import choose_language


class AssetConverter(StringConverter):
    """The public name of a file: its name, the hash of what it holds, its ending."""

    regex = r"[a-z]+\.[0-9a-f]{12}\.[a-z]+"


register_converter(AssetConverter, "asset")

urlpatterns = [
    path("static/<asset:name>", asset, name="asset"),
    path("language", choose_language, name="choose-language"),
]
