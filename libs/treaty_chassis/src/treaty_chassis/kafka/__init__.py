"""Kafka for the data path: what a service's work looks like, and the runner that does it exactly once.

Import from the modules themselves: `treaty_chassis.kafka.work` (Record, Output, Finished, Work, PureWork),
`.runner` (Runner), `.view` (CompactedView), `.topics` (apply, topic ids), `.settings` (KafkaSettings).
"""
