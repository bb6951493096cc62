// The frame stamp of docs/stamp.md for pages: read from luma bytes, and drawn on a canvas.

const middle = (cell, size, cells) => [
  Math.ceil(((4 * cell + 1) * size - 2 * cells) / (4 * cells)),
  Math.ceil(((4 * cell + 3) * size - 2 * cells) / (4 * cells)),
];

export const NUMBERS = 2 ** 24;

export function crc8(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80 ? (crc << 1) ^ 0x107 : crc << 1);
  }
  return crc ^ 0x55;
}

// The number, or null. `luma` may end after the stamp's two rows; `height` is the picture's.
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

// Width and height of the part of a picture that holds the stamp.
export const stampedPart = (width, height) => [Math.ceil(width * 0.8), Math.ceil(height / 15) + 1];

// Four bytes, of which the last is the checksum.
export function stampBytes(number) {
  const bytes = [(number >> 16) & 255, (number >> 8) & 255, number & 255];
  return [...bytes, crc8(bytes)];
}

export function drawStamp(context, number, width, height) {
  const edge = (k, size, cells) => Math.ceil((k * size - cells / 2) / cells);
  const bytes = stampBytes(number);
  for (let column = 0; column < 32; column++) {
    const bit = (bytes[column >> 3] >> (7 - (column & 7))) & 1;
    const left = edge(column, width, 40), right = edge(column + 1, width, 40);
    for (const row of [0, 1]) {
      const top = edge(row, height, 30), bottom = edge(row + 1, height, 30);
      context.fillStyle = bit ^ row ? "#fff" : "#000";
      context.fillRect(left, top, right - left, bottom - top);
    }
  }
}
