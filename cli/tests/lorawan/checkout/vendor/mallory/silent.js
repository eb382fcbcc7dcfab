function Decoder(bytes, port) { return { value: 1 }; }
