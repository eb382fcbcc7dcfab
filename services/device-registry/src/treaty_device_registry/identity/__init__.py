"""Who speaks: the development issuer of tokens."""
