"""The kinds of data that are compared, without the libraries that compare them."""

from typing import Literal

Kind = Literal["name", "birth", "papers", "telephone", "head", "area"]
