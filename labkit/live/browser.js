// What a person sees of the browser peer: buttons, pictures, the state in words.
// It comes after parts.js and labkit/peers/page.js in one module; beside browser.py.

const MESSAGE_VERSION = 4;
const FRAMES_MS = 1000;

function picture(title, words, side) {
  const video = make("video", { playsinline: "", autoplay: "", "aria-label": title });
  video.muted = true;
  const canvas = make("canvas", { role: "img", "aria-label": title, hidden: "" });
  const empty = make("div", { class: "lab-empty" }, words.no_picture);
  const caption = make("span", { class: "lab-frame" });
  const name = make("span", { class: "lab-title" }, title);
  const show = () => {
    const shown = video.srcObject !== null && video.videoWidth > 0;
    video.hidden = !shown;
    empty.hidden = shown || !canvas.hidden;
    if (!shown && canvas.hidden) caption.textContent = "";
  };
  ["resize", "loadedmetadata", "emptied"].forEach((name) => video.addEventListener(name, show));
  show();
  const node = make(
    "figure", { class: "lab-picture", "data-side": side },
    make("div", { class: "lab-screen" }, video, canvas, empty),
    make("figcaption", {}, name, caption));
  const call = (now) => {
    name.textContent = now;
    [video, canvas].forEach((one) => one.setAttribute("aria-label", now));
  };
  return { node, video, canvas, caption, show, call };
}

// Once a second: the newest frame's number, and how many there were.
function frameCounter({ node, caption, video, canvas }, words) {
  let frames = 0, newest = null, since = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (!canvas.hidden || (video.srcObject && !video.hidden)) {
      const number = newest === null ? words.no_number : `${words.frame} ${newest}`;
      const rate = Math.round((frames * 1000) / (now - since));
      caption.textContent = `${number} · ${rate} ${words.per_second}`;
      node.dataset.frame = newest ?? "";
    }
    frames = 0;
    since = now;
  }, FRAMES_MS);
  const seen = (number) => { frames += 1; newest = number; };
  return { seen, stop: () => clearInterval(timer) };
}

// Who is seen: one figure that is always there, and in a room one more for each other person.
// Whoever leaves takes a figure along; the one that stays is free for the next.
function people(words, before) {
  const first = picture(words.theirs, words, "theirs");
  const node = make("div", { class: "lab-pictures" }, before, first.node);
  const seen = new Map();
  const one = (who) => {
    if (!seen.has(who)) {
      const taken = [...seen.values()].some((each) => each.node === first.node);
      const figure = taken ? picture(who, words, "theirs") : first;
      if (figure !== first) node.append(figure.node);
      figure.call(who || words.theirs);
      seen.set(who, { ...figure, counter: frameCounter(figure, words) });
    }
    return seen.get(who);
  };
  const forget = (who) => {
    const { counter, node: figure, show } = seen.get(who);
    counter.stop();
    delete figure.dataset.frame;
    seen.delete(who);
    show();
    if (figure === first.node) first.call(words.theirs);
    else figure.remove();
  };
  return {
    node, one, forget,
    seen: (number, who) => seen.get(who)?.counter.seen(number),
    forgetAll: () => [...seen.keys()].forEach(forget),
    show: () => [first, ...seen.values()].forEach((each) => each.show()),
  };
}

function render({ model, el }) {
  const page = Math.random().toString(36).slice(2); // randomUUID needs a secure context
  const words = model.get("words"), wanted = model.get("wanted");
  const state = stateLine(model);
  const hint = make("p", { hidden: "" }, words.firefox);
  const own = picture(words.own, words, "own"), others = people(words, own.node);
  const send = sender(model, { v: MESSAGE_VERSION, page });
  const asking = asker(send, () => state.say(words.busy));
  let peer = null, viewing = null;

  const theirs = (who) => {
    const { video } = others.one(who);
    video.muted = !wanted.back.includes("audio");
    return video;
  };
  const newPeer = () => pagePeer({ wanted, send, own: own.video, theirs,
    gone: others.forget, onFrame: others.seen, onLost: () => { end(); state.say(words.lost); } });
  const end = () => {
    peer?.end();
    viewing?.end();
    peer = viewing = null;
    hint.hidden = true;
    [own, others].forEach((one) => one.show());
    others.forgetAll();
  };
  const view = ({ port, path }) => {
    end();
    hint.hidden = !navigator.userAgent.includes("Firefox/");
    const { canvas, show } = others.one("");
    viewing = pictureSocket({ port, path, canvas,
      onFrame: (number) => { others.seen(number, ""); show(); }, onLost: end });
  };
  const start = (media) => {
    end();
    peer = newPeer();
    peer.choose(media);
    [camera, test].forEach((one) => one.allow(false)); // until the kernel says what is
    stop.allow(true);
    asking.ask({ type: "start", media });
  };
  const sends = wanted.audio !== null || wanted.video !== null;
  own.node.hidden = wanted.video === null; // who only looks on has no picture of its own
  const camera = button(words.camera, "lab-start", () => start("camera"));
  const test = button(sends ? words.test : words.connect, "", () => start("test picture"));
  const stop = button(words.stop, "lab-stop", () => {
    near.stop();
    asking.ask({ type: "stop" }); // before the connection tells the lab that the page has gone
    end();
  });
  camera.node.hidden = !sends;

  const onState = () => {
    const { state: now, can_start, page: acting } = model.get("state");
    state.show();
    [camera, test].forEach((one) => one.allow(can_start || acting !== page));
    stop.allow(["starting", "running"].includes(now) && acting === page);
    node.dataset.call = now;
    near.show();
  };
  const onMessage = (content) => {
    if (content.page !== page) return;
    if (content.type === "pong") peer?.pong(content);
    else if (content.what === "hang_up") peer?.hangUp(content.ear);
    else if (content.what === "forget") peer?.forget(content.publisher);
    else if (content.type === "describe") (peer ??= newPeer()).answer(content);
    else if (content.type === "view") view(content);
    else if (content.type === "end") { end(); send({ type: "here" }); }
    else if (content.type === "heard") { asking.heard(content.id); onState(); }
  };
  const here = () => { if (!document.hidden) send({ type: "here" }); };
  const left = () => send({ type: "left" });

  const node = make(
    "section", { class: "lab-call lab-browser", "aria-label": words.call },
    make("div", { class: "lab-row" }, camera.node, test.node, stop.node),
    state.node,
    hint,
    others.node);
  el.append(node);
  const near = nearness(model, node, send);
  model.on("msg:custom", onMessage);
  model.on("change:state", onState);
  document.addEventListener("visibilitychange", here);
  window.addEventListener("pagehide", left);
  onState();
  here();
  return () => {
    model.off("msg:custom", onMessage);
    model.off("change:state", onState);
    document.removeEventListener("visibilitychange", here);
    window.removeEventListener("pagehide", left);
    left();
    asking.stop();
    end();
  };
}

export default { render };
