// Decentlab DL-IAM and DL-PM, payload protocol version 2, as plugins/decentlab/decoder.py: the same sources
// (the vendor's datasheets), the same values. The codec API does not tell the model; the length does.
var IAM = [
  [1, function (x) { return { battery_voltage: x[0] / 1000 }; }],
  [2, function (x) {
    return { air_temperature: x[0] * 175 / 65535 - 45, air_humidity: x[1] * 100 / 65535 };
  }],
  [1, function (x) { return { barometric_pressure: x[0] * 2 }; }],
  [2, function (x) {
    var lux = Math.max(x[0] - 1.64 * x[1], 0.59 * x[0] - 0.86 * x[1], 0) * 1.5504;
    return { ambient_light_visible_infrared: x[0], ambient_light_infrared: x[1], illuminance: lux };
  }],
  [3, function (x) {
    return { co2_concentration: x[0] - 32768, co2_sensor_status: x[1], raw_ir_reading: x[2] };
  }],
  [1, function (x) { return { activity_counter: x[0] }; }],
  [1, function (x) { return { total_voc: x[0] }; }]
];
var PM = [
  IAM[0],
  [10, function (x) {
    return {
      pm1_0_mass_concentration: x[0] * 0.1, pm2_5_mass_concentration: x[1] * 0.1,
      pm4_mass_concentration: x[2] * 0.1, pm10_mass_concentration: x[3] * 0.1,
      typical_particle_size: x[4],
      pm0_5_number_concentration: x[5] * 0.1, pm1_0_number_concentration: x[6] * 0.1,
      pm2_5_number_concentration: x[7] * 0.1, pm4_number_concentration: x[8] * 0.1,
      pm10_number_concentration: x[9] * 0.1
    };
  }],
  [2, function (x) {
    return { air_temperature: x[0] * 175.72 / 65536 - 46.85, air_humidity: x[1] * 125 / 65536 - 6 };
  }],
  IAM[2]
];

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes[0] !== 2) {
    return { errors: ["protocol version " + bytes[0]] };
  }
  var sensors = bytes.length === 33 ? PM : IAM;
  var flags = bytes[3] << 8 | bytes[4];
  var data = {};
  var at = 5;
  for (var bit = 0; bit < sensors.length; bit++) {
    if (flags >> bit & 1) {
      var words = [];
      for (var i = 0; i < sensors[bit][0]; i++, at += 2) {
        words.push(bytes[at] << 8 | bytes[at + 1]);
      }
      Object.assign(data, sensors[bit][1](words));
    }
  }
  return { data: data };
}
