JSON.stringify = function () { return '{"data":{"value":1}}'; };
JSON.parse = function () { return {}; };
Array.prototype.toJSON = function () { return 1; };
Object.prototype.toJSON = function () { return 1; };
Object.prototype.errors = undefined;
function decodeUplink(input) { return { data: { value: 2 } }; }
