// Reads the frame stamp of docs/stamp.md from luma bytes: the number, or null.

const middle = (cell, size, cells) => [
  Math.ceil(((4 * cell + 1) * size - 2 * cells) / (4 * cells)),
  Math.ceil(((4 * cell + 3) * size - 2 * cells) / (4 * cells)),
];

export function crc8(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80 ? (crc << 1) ^ 0x107 : crc << 1);
  }
  return crc ^ 0x55;
}

export function readStamp(luma, width, height, stride = width) {
  if (width < 160 || height < 120) return null;
  const mean = (column, row) => {
    const [left, right] = middle(column, width, 40);
    const [top, bottom] = middle(row, height, 30);
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += luma[y * stride + x];
    return sum / ((right - left) * (bottom - top));
  };
  const bytes = [0, 0, 0, 0];
  for (let cell = 0; cell < 32; cell++) {
    const difference = mean(cell, 0) - mean(cell, 1);
    if (Math.abs(difference) < 40) return null;
    if (difference > 0) bytes[cell >> 3] |= 0x80 >> (cell & 7);
  }
  if (crc8(bytes.slice(0, 3)) !== bytes[3]) return null;
  return bytes[0] * 65536 + bytes[1] * 256 + bytes[2];
}

// On the command line: node read_stamp.mjs WIDTH HEIGHT < luma of any number of pictures
if (process.argv.length === 4) {
  const [width, height] = process.argv.slice(2).map(Number);
  const data = (await import("node:fs")).readFileSync(0);
  const numbers = [];
  for (let at = 0; at < data.length; at += width * height)
    numbers.push(readStamp(data.subarray(at, at + width * height), width, height));
  console.log(JSON.stringify(numbers));
}
