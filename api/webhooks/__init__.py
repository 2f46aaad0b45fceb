"""The webhook gateway: what platforms post, verified on its raw bytes and handed to Kafka."""
