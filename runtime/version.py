"""The version of this product, named in `pyproject.toml` alone."""

from importlib.metadata import version

VERSION = version("service-holds")
