// Temperature (int16, 1/100 Cel), door (uint8), battery (uint16, mV), all big-endian.
function decodeUplink(input) {
  var b = input.bytes;
  if (input.fPort !== 2) {
    return { errors: ["unknown FPort"] };
  }
  var raw = (b[0] << 8) | b[1];
  var warnings = [];
  var battery = ((b[3] << 8) | b[4]) / 1000;
  if (battery < 2.8) {
    warnings.push("battery low");
  }
  console.log("decoded", raw);
  return {
    data: {
      temperature: (raw > 32767 ? raw - 65536 : raw) / 100,
      batteryVoltage: battery,
      door: b[2] ? "open" : "closed",
      probe: NaN,
      unused: undefined,
      seen: input.recvTime,
    },
    warnings: warnings,
  };
}

function normalizeUplink(input) {
  return { data: [{ air: { temperature: input.data.temperature } }] };
}

module.exports = { decodeUplink: decodeUplink, normalizeUplink: normalizeUplink };
