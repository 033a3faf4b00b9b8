"""Reading rows: from verdicts to scores with bounds, coverage and standard errors."""
