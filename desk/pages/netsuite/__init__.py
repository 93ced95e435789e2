"""Where NetSuite says something else."""
