function decodeUplink(input) {
  return { data: { pulses: input.bytes[0] * 256 + input.bytes[1], sum: 0.1 + 0.2, zero: -0 } };
}
