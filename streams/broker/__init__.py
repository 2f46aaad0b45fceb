"""Local brokers behind one small interface: Apache Kafka, or Tansu where Java is missing."""
