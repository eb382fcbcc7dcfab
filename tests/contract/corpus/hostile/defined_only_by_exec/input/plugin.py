exec('def decode(payload, port):\n return {}')
