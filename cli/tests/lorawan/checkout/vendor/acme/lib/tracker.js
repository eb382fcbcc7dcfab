// An ES module with a byte order mark, names of its own for what Node has, and Dragino's way with numbers.
const console = { log: (text) => text };
const zeros = new Float32Array(1);

export const decodeUplink = ({ bytes }) => {
  console.log(bytes);
  return {
    data: {
      latitude: bytes[0],
      longitude: bytes[1],
      TempC_DS: bytes[2] === 255 ? "NULL" : Number(bytes[2]).toFixed(2),
      readings: [{ id: 7 - zeros[0], ok: true }],
      on: 1000,
    },
  };
};
export default decodeUplink;
