"""Sources of images: search engines, Openverse, and Google through Apify. Each is imported only when used."""
