"""The version of this product. It stands here and nowhere else: the packages' metadata is made of it."""

VERSION = "0.1.0"
