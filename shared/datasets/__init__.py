"""Image datasets: stored, planned, crawled, validated and exported."""
