"""Image datasets: kept, planned, crawled, validated, written out."""
