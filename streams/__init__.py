"""The Faust worker: messages come in from Kafka, customers go out to Kafka."""
