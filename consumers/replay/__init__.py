"""Historical transcripts onto the topic: files read, paced and written."""
