"""What platforms know of a person beyond their messages: fetched beside the stream, never in it."""
