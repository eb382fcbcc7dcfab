"""A verdict told: to people, as JSON, SARIF 2.1.0 or JUnit."""
