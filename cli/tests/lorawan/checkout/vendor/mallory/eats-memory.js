function decodeUplink(input) { var all = []; while (true) { all.push(new Array(100000).fill(1)); } }
