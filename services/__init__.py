"""What can be asked of this product, and by whom: the one authority behind the desk, its API and the command line."""
