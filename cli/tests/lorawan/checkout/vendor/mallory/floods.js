function decodeUplink(input) { return { data: { value: "x".repeat(50000000) } }; }
