// What a page sends, and how it reads what it sees: camera, test picture, tone, frame stamps.

const TONE_HZ = 440;

const sizeOf = (wanted, usual) =>
  (typeof wanted === "number" ? wanted : wanted?.exact ?? wanted?.ideal ?? wanted?.max ?? usual);

const BARS = ["#c0c0c0", "#c0c000", "#00c0c0", "#00c000", "#c000c0", "#c00000", "#0000c0"];

function drawPicture(context, k, width, height) {
  BARS.forEach((colour, bar) => {
    context.fillStyle = colour;
    context.fillRect((bar * width) / 7, 0, width / 7 + 1, height);
  });
  context.fillStyle = "#101010";
  context.fillRect((k * 4) % width, height * 0.45, width / 10, width / 10);
  context.fillStyle = "#fff";
  context.fillRect(0, height * 0.75, width, height * 0.2);
  context.fillStyle = "#000";
  context.font = `bold ${Math.round(height * 0.15)}px monospace`;
  context.fillText(String(k).padStart(6, "0"), width * 0.06, height * 0.9);
}

// Whoever starts again in this page goes on behind the numbers that were used.
const NUMBERS_APART = 1000;
let firstNumber = 0;

// A picture that moves, with its number in its pixels; a tick that is late is skipped.
function testPicture(constraints, captured, clean) {
  const asked = constraints === true ? {} : constraints;
  const even = (size) => Math.max(160, Math.round(size / 2) * 2);
  const width = even(sizeOf(asked.width, 640)), height = even(sizeOf(asked.height, 480));
  const fps = Math.min(60, Math.max(1, sizeOf(asked.frameRate, 30)));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  const stream = canvas.captureStream(0), track = stream.getVideoTracks()[0];
  const frames = track.requestFrame ? track : stream; // Firefox has it at the stream
  track.contentHint = "motion";
  const start = performance.now(), first = firstNumber;
  let k = -1, timer = null;
  const tick = () => {
    const now = performance.now();
    const due = Math.floor(((now - start) * fps) / 1000);
    if (due > k) {
      k = due;
      const number = (first + k) % NUMBERS;
      firstNumber = (Math.floor(number / NUMBERS_APART) + 1) * NUMBERS_APART;
      drawPicture(context, number, width, height);
      const at_ms = performance.now();
      drawStamp(context, number, width, height);
      frames.requestFrame();
      captured.push([number, at_ms, width, height]);
    }
    timer = setTimeout(tick, Math.max(0, start + ((k + 1) * 1000) / fps - performance.now()));
  };
  tick();
  clean.add(() => clearTimeout(timer));
  return track;
}

function tone(clean) {
  const audio = new AudioContext();
  const oscillator = new OscillatorNode(audio, { frequency: TONE_HZ });
  const quiet = new GainNode(audio, { gain: 0.2 });
  const out = audio.createMediaStreamDestination();
  oscillator.connect(quiet).connect(out);
  oscillator.start();
  clean.add(() => audio.close());
  return out.stream.getAudioTracks()[0];
}

// Where one of the two is missing, the other is better than nothing.
async function cameraStream(wanted) {
  if (!navigator.mediaDevices?.getUserMedia)
    throw new DOMException("no mediaDevices", "InsecureContext");
  const both = { audio: wanted.audio ?? false, video: wanted.video ?? false };
  const tries = both.audio && both.video
    ? [both, { ...both, audio: false }, { ...both, video: false }] : [both];
  let first = null;
  for (const constraints of tries) {
    try {
      return await navigator.mediaDevices.getUserMedia(constraints);
    } catch (error) {
      first ??= error;
      if (error.name !== "NotFoundError") break;
    }
  }
  throw first;
}

function testStream(wanted, captured, clean) {
  const tracks = [];
  if (wanted.audio) tracks.push(tone(clean));
  if (wanted.video) tracks.push(testPicture(wanted.video, captured, clean));
  return new MediaStream(tracks);
}

async function openMedia(media, wanted, captured, clean) {
  if (!wanted.audio && !wanted.video) return new MediaStream();
  const stream = media === "camera"
    ? await cameraStream(wanted) : testStream(wanted, captured, clean);
  clean.add(() => stream.getTracks().forEach((track) => track.stop()));
  return stream;
}

// When a frame will be on the screen; a browser that does not know says the moment of presenting
// again (Firefox), and that is no measurement.
const displayTime = ({ presentationTime, expectedDisplayTime }) =>
  (expectedDisplayTime > presentationTime ? expectedDisplayTime : null);

// Calls `seen` with a row for each frame as it is presented (video-rvfc, W3C).
function watchFrames(video, seen, clean) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = (width, height) => {
    const [w, h] = stampedPart(width, height);
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    context.drawImage(video, 0, 0, w, h, 0, 0, w, h);
    const { data } = context.getImageData(0, 0, w, h);
    const luma = new Uint8ClampedArray(w * h);
    for (let i = 0; i < luma.length; i++)
      luma[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
    return readStamp(luma, width, height, w);
  };
  let handle = 0;
  const onFrame = (_now, about) => {
    handle = video.requestVideoFrameCallback(onFrame);
    const { width, height } = about;
    seen([read(width, height), about.rtpTimestamp ?? null, about.receiveTime ?? null,
      about.presentationTime, displayTime(about), width, height], about.presentedFrames);
  };
  handle = video.requestVideoFrameCallback(onFrame);
  clean.add(() => video.cancelVideoFrameCallback(handle));
}
