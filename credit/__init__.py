"""The rules of credit holds as pure functions and values: no I/O, no clock, no Temporal."""
