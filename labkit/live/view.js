// The call's pictures and link sliders; it comes after parts.js in one module, beside view.py.
// What comes from here goes up as custom messages: trait sync wedges while a cell runs.

const ACK_MS = 500; // each message makes the kernel “busy” for a moment: not one a picture
const HERE_MS = 4000; // the kernel stops drawing for a page that has been silent for 12 s
const THROTTLE_MS = 100;
const STALE_MS = 2000;
const SILENT_MS = 15000; // three unanswered signs of the page, and time for a slow kernel
const MOST_RADIOS = 4;

function acknowledger(send) {
  let timer = null, newest = 0, drawn = 0;
  const flush = () => {
    timer = null;
    send({ type: "ack", number: newest, drawn });
  };
  const shown = (number, pictures) => {
    drawn += pictures;
    newest = Math.max(newest, number);
    timer ??= setTimeout(flush, ACK_MS);
  };
  return { shown, stop: () => clearTimeout(timer) };
}

// Pictures of one moment are drawn together, and none is queued: a browser's frame is what costs.
function painter(shown) {
  let waiting = null, asked = null;
  const paint = () => {
    asked = null;
    waiting.draws.forEach((draw) => draw());
    shown(waiting.number, waiting.draws.length);
    waiting = null;
  };
  const add = (number, draws) => {
    waiting = { number, draws };
    asked ??= requestAnimationFrame(paint);
  };
  return { add, stop: () => cancelAnimationFrame(asked) };
}

function pictureOf(model, direction) {
  const words = model.get("words");
  const canvas = make("canvas", { role: "img", "aria-label": direction.alt, hidden: "" });
  const context = canvas.getContext("2d", { alpha: false });
  const empty = make("div", { class: "lab-empty" }, words.no_picture);
  const frame = make("span", { class: "lab-frame" });
  const numbers = make("span", { class: "lab-numbers" });
  const title = make("span", { class: "lab-title" });
  title.innerHTML = direction.legend;
  const node = make(
    "figure", { class: "lab-picture", "data-direction": direction.name },
    make("div", { class: "lab-screen" }, canvas, empty),
    make("figcaption", {}, title, frame, numbers),
  );
  let drawnAt = 0;
  const draw = (content, bitmap) => {
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    frame.textContent = content.frame_text;
    canvas.hidden = false;
    empty.hidden = true;
    drawnAt = performance.now();
    node.dataset.frame = content.frame ?? "";
  };
  const decoded = async (content, buffer) => {
    const bitmap = await createImageBitmap(new Blob([buffer], { type: "image/jpeg" }));
    return () => draw(content, bitmap);
  };
  const show = () => {
    const state = model.get("state").state, seenBy = model.get("seen_by");
    node.hidden = seenBy !== "" && seenBy !== direction.receiver;
    const stale = drawnAt > 0 && performance.now() - drawnAt > STALE_MS;
    numbers.textContent = model.get("numbers")[direction.name] ?? "";
    if (stale && state === "running") frame.textContent = words.no_new_picture;
    node.classList.toggle("lab-old", !canvas.hidden && state !== "running");
  };
  return { node, decoded, show };
}

function valueText(spec, value, words) {
  return value === null ? words.unlimited : `${value} ${spec.unit}`;
}

function slider(model, spec, direction, tell) {
  const words = model.get("words");
  const output = make("output", { "aria-hidden": "true" });
  const input = make(
    "input", { type: "range", min: "0", step: "1", "data-field": spec.field, ...OWN_KEYS });
  const node = make("label", { class: "lab-slider" }, make("span", {}, spec.label), input, output);
  let values = spec.values, moving = 0;
  const write = () => {
    const text = valueText(spec, values[Number(input.value)], words);
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  const show = () => {
    if (performance.now() - moving < 1500) return; // the hand on the slider is right
    const link = model.get("links")[direction()];
    const value = link[spec.field];
    values = spec.values.includes(value) ? spec.values : [...spec.values, value].sort(
      (a, b) => (a ?? Infinity) - (b ?? Infinity));
    input.max = String(values.length - 1);
    input.value = String(values.indexOf(value));
    input.disabled = link.fixed.includes(spec.field);
    write();
  };
  input.addEventListener("input", () => {
    moving = performance.now();
    write();
    tell(spec.field, values[Number(input.value)]);
  });
  const set = (value) => { moving = 0; tell(spec.field, value); };
  return { node, show, set, rest: () => { moving = 0; show(); } };
}

function throttled(send) {
  const waiting = new Map();
  let timer = null;
  const flush = () => {
    timer = null;
    for (const [field, message] of waiting) { waiting.delete(field); send(message); }
  };
  return (field, message) => {
    waiting.set(field, message);
    timer ??= setTimeout(flush, THROTTLE_MS);
  };
}

function linkControls(model, ask) {
  const words = model.get("words");
  let first = "", chosen = null; // all
  const queue = throttled(ask);
  const tell = (field, value) =>
    queue(field, { type: "link", direction: chosen, field, value });
  const sliders = model.get("sliders").map(
    (spec) => slider(model, spec, () => chosen ?? first, tell));
  const choose = (name) => { chosen = name; sliders.forEach((one) => one.rest()); };
  const clean = make("button", { type: "button", class: "lab-button lab-clean" }, words.clean);
  clean.addEventListener("click", () => {
    sliders.forEach((one, index) => one.set(model.get("sliders")[index].clean));
  });
  const head = make("div", { class: "lab-row" });
  // People come and go, and their links with them.
  const offer = () => {
    const options = model.get("choices").map((one) => [one.name, one.title]);
    first = options[1][0];
    const stays = options.some(([name]) => name === chosen);
    const kind = options.length > MOST_RADIOS ? select : radios;
    const choice = kind(words.direction, options, choose);
    choice.choose(stays ? chosen : null);
    putFirst(head, choice.node);
    if (!stays) choose(null);
  };
  offer();
  head.append(clean);
  const grid = make("div", { class: "lab-sliders" }, ...sliders.map((one) => one.node));
  return {
    node: make("section", { class: "lab-link", "aria-label": words.link }, head, grid),
    show: () => sliders.forEach((one) => one.show()),
    offer,
  };
}

// The pictures of everybody, or of one receiver at a time.
function pictureGrid(model, ask) {
  const words = model.get("words");
  const grid = make("div", { class: "lab-pictures" });
  const chooser = make("div", { class: "lab-row" });
  let pictures = new Map(), seenBy = null;
  const show = () => {
    pictures.forEach((one) => one.show());
    const shown = [...pictures.values()].filter((one) => !one.node.hidden).length;
    grid.classList.toggle("lab-many", shown > 2);
  };
  const follow = () => { seenBy.choose(model.get("seen_by")); show(); };
  // Whoever stays keeps the picture that is there.
  const people = () => {
    const seen = model.get("directions").filter((one) => one.picture);
    pictures = new Map(
      seen.map((one) => [one.name, pictures.get(one.name) ?? pictureOf(model, one)]));
    grid.replaceChildren(...[...pictures.values()].map((one) => one.node));
    const receivers = model.get("receivers");
    seenBy = select(words.seen_by, receivers.map((one) => [one, one]),
      (receiver) => ask({ type: "seen_by", receiver }));
    putFirst(chooser, seenBy.node);
    chooser.hidden = receivers.length === 0;
    follow();
  };
  people();
  const decode = async (content, buffers) => {
    const known = content.pictures.map((one) => pictures.get(one.direction));
    const draws = await Promise.all(
      content.pictures.map((one, index) => known[index]?.decoded(one, buffers[index])));
    return draws.filter((draw) => draw);
  };
  return { nodes: [chooser, grid], show, follow, people, decode };
}

// Says when the kernel has gone: a call that it carried has ended, whatever the last state was.
function pulse(model, state) {
  let heardAt = performance.now(), silent = false;
  const heard = () => {
    heardAt = performance.now();
    if (silent) { silent = false; state.show(); }
  };
  const look = () => {
    if (document.hidden || model.get("state").state !== "running") heardAt = performance.now();
    else if (!silent && performance.now() - heardAt > SILENT_MS) {
      silent = true;
      state.say(model.get("words").kernel_gone);
    }
  };
  return { heard, look };
}

function render({ model, el }) {
  const state = stateLine(model);
  const alive = pulse(model, state);
  const words = model.get("words");
  const send = sender(model);
  const asking = asker(send, () => state.say(words.busy));
  const start = button(words.start, "lab-start", () => asking.ask({ type: "start" }));
  const stop = button(words.stop, "lab-stop", () => {
    near.stop();
    asking.ask({ type: "stop" });
  });
  const acknowledged = acknowledger(send);
  const painting = painter(acknowledged.shown);
  const pictures = pictureGrid(model, asking.ask);
  const link = linkControls(model, asking.ask);
  const row = make("div", { class: "lab-row" }, start.node, stop.node, state.node);
  const node = make(
    "section", { class: "lab-call", "aria-label": words.call }, row, ...pictures.nodes, link.node);
  const near = nearness(model, node, send);
  el.append(node);

  const take = async (content, buffers) =>
    painting.add(content.number, await pictures.decode(content, buffers));
  const onMessage = (content, buffers) => {
    alive.heard();
    if (content.type === "pictures") take(content, buffers);
    if (content.type === "heard") { asking.heard(content.id); state.show(); }
  };
  const onState = () => {
    const { can_start, can_stop } = model.get("state");
    start.allow(can_start);
    stop.allow(can_stop);
    [state, near, pictures].forEach((one) => one.show());
  };
  const here = () => { if (!document.hidden) send({ type: "here" }); };
  const watchers = [["msg:custom", onMessage], ["change:state", onState],
    ["change:numbers", alive.heard], ["change:numbers", pictures.show],
    ["change:seen_by", pictures.follow], ["change:directions", pictures.people],
    ["change:receivers", pictures.people], ["change:choices", link.offer],
    ["change:links", link.show]];
  watchers.forEach(([name, handler]) => model.on(name, handler));
  const timers = [[here, HERE_MS], [pictures.show, 1000], [alive.look, 1000]]
    .map(([work, each]) => setInterval(work, each));
  document.addEventListener("visibilitychange", here);
  onState();
  link.show();
  here();
  return () => {
    watchers.forEach(([name, handler]) => model.off(name, handler));
    timers.forEach(clearInterval);
    document.removeEventListener("visibilitychange", here);
    asking.stop();
    acknowledged.stop();
    painting.stop();
  };
}

export default { render };
