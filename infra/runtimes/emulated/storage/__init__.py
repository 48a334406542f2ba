"""The Cloud Storage emulator: the embedded place's objects behind the JSON API that Google's client uses."""
