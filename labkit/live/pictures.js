// Pictures over a WebSocket, for a page that no media path reaches; beside labkit/live/pictureserver.py.

const AGAIN_MS = 500;
const TRIES = 8;
const NO_FRAME = 2 ** 32 - 1;

// The server listens where the notebook runs; JupyterLab passes its pictures on.
function proxied(port, path) {
  const config = document.getElementById("jupyter-config-data");
  const base = config ? JSON.parse(config.textContent).baseUrl : "/";
  const url = new URL(`${base}proxy/${port}/${path}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

// Draws what comes on `canvas` until `end` is called. A number goes back for each picture drawn:
// the server sends no more than this page shows.
function pictureSocket({ port, path, canvas, onFrame, onLost }) {
  const context = canvas.getContext("2d", { alpha: false });
  let socket = null, over = false, failed = 0, timer = null;
  const draw = async (message) => {
    const head = new DataView(message, 0, 8);
    const number = head.getUint32(0), frame = head.getUint32(4);
    const bitmap = await createImageBitmap(new Blob([message.slice(8)], { type: "image/jpeg" }));
    if (over) return;
    const { width, height } = bitmap;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.hidden = false;
    onFrame(frame === NO_FRAME ? null : frame);
    if (socket.readyState === WebSocket.OPEN) socket.send(String(number));
  };
  const open = () => {
    socket = new WebSocket(proxied(port, path));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => { failed = 0; });
    socket.addEventListener("message", ({ data }) => draw(data));
    socket.addEventListener("close", () => {
      if (over) return;
      failed += 1;
      if (failed < TRIES) timer = setTimeout(open, AGAIN_MS);
      else onLost();
    });
  };
  open();
  return { end: () => { over = true; clearTimeout(timer); socket.close(); canvas.hidden = true; } };
}
