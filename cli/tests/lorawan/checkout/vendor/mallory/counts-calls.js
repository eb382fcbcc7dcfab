var calls = 0;
function decodeUplink(input) { calls += 1; return { data: { value: calls } }; }
