function decodeUplink(input) {
  var fs = require("fs");
  return { data: { value: fs.readFileSync("/etc/passwd").length } };
}
