"""A Cloud Storage of one machine, for Google's own client: the embedded place's objects behind the JSON API."""
