// node draw_stamp.mjs WIDTH HEIGHT NUMBER...: one picture of brightness bytes for each number

import { drawStamp, stampedPart, readStamp } from "../../labkit/media/stamp.mjs";

const [width, height, ...numbers] = process.argv.slice(2).map(Number);
for (const number of numbers) {
  const luma = new Uint8Array(width * height).fill(128);
  const context = {
    fillStyle: "",
    fillRect(left, top, w, h) {
      for (let y = top; y < top + h; y++)
        luma.fill(this.fillStyle === "#fff" ? 235 : 16, y * width + left, y * width + left + w);
    },
  };
  drawStamp(context, number, width, height);
  const [w, h] = stampedPart(width, height);
  const part = Uint8Array.from({ length: w * h }, (_one, i) => luma[Math.floor(i / w) * width + (i % w)]);
  if (readStamp(part, width, height, w) !== number) throw new Error(`the part of ${number}`);
  process.stdout.write(luma);
}
