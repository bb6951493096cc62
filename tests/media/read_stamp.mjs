// node read_stamp.mjs WIDTH HEIGHT < luma of any number of pictures: the numbers, as JSON

import { readFileSync } from "node:fs";
import { readStamp } from "../../labkit/media/stamp.mjs";

const [width, height] = process.argv.slice(2).map(Number);
const data = readFileSync(0);
const numbers = [];
for (let at = 0; at < data.length; at += width * height)
  numbers.push(readStamp(data.subarray(at, at + width * height), width, height));
console.log(JSON.stringify(numbers));
