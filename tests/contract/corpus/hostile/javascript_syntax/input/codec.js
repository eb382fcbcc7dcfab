// A thermometer in the LoRaWAN codec API.
functoin decodeUplink(input) {
  if (input.bytes.length !== 5) {
    return {errors: ["expected 5 bytes"]};
  }
  var raw = (input.bytes[0] << 8) | input.bytes[1];
  return {
    data: {
      temperature: (raw > 32767 ? raw - 65536 : raw) / 10,
      battery: (input.bytes[2] << 8) | input.bytes[3],
      door: input.bytes[4] & 1 ? "open" : "closed",
    },
    warnings: [],
  };
}
