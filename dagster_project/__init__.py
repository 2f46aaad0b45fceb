"""When the pipelines and the warehouse run; no business logic."""
