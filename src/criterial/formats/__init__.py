"""Files in and out: one module a format, all of them read strictly and with the place of every fault."""
