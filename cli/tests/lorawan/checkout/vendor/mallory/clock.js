function decodeUplink(input) { return { data: { value: Date.now() - Date.now() + 1, dice: Math.random() } }; }
