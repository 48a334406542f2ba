"""Where images are found: search engines, Openverse, Apify, lists. Each is imported only when it is used."""
