"""The schema registry's core, as Confluent's REST API has it."""
