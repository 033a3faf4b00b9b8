"""Who is better, and how sure that is: rankings from scores, verdicts and pairs."""
