// What the lab's widgets are made of; it comes before view.js and browser.js in their modules.

const BUSY_MS = 1000;
const NEAR_MS = 20000;

// JupyterLab would take the arrow keys for itself.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function stateLine(model) {
  const sign = make("span", { class: "lab-sign", "aria-hidden": "true" });
  const text = make("span", { role: "status", "aria-live": "polite" });
  const node = make("p", { class: "lab-state" }, sign, text);
  const show = () => {
    const state = model.get("state");
    sign.textContent = state.sign;
    text.textContent = state.text;
    node.dataset.state = state.state;
  };
  return { node, show, say: (words) => { text.textContent = words; } };
}

// Sends to the kernel; when it has gone, its silence is noticed elsewhere.
function sender(model, always = {}) {
  return (message) => {
    try {
      model.send({ ...always, ...message });
    } catch { /* its connection is closed */ }
  };
}

// Buttons stay focusable: a keyboard user must not lose the place.
function button(label, kind, pressed) {
  const node = make("button", { type: "button", class: `lab-button ${kind}` }, label);
  node.addEventListener("click", () => {
    if (node.getAttribute("aria-disabled") !== "true") pressed();
  });
  return { node, allow: (allowed) => node.setAttribute("aria-disabled", String(!allowed)) };
}

// Asks the kernel for something; when nothing is heard of it for a second, `busy` is called.
function asker(send, busy) {
  let count = 0;
  const open = new Map();
  const ask = (message) => {
    const id = `${++count}`;
    open.set(id, setTimeout(busy, BUSY_MS));
    send({ ...message, id });
  };
  const heard = (id) => {
    clearTimeout(open.get(id));
    open.delete(id);
  };
  return { ask, heard, stop: () => open.forEach((timer) => clearTimeout(timer)) };
}

// Tells the kernel that a button may be pressed soon, so that it can get ready.
function nearness(model, node, send) {
  let toldAt = -Infinity, before = model.get("state").state, stopped = false;
  const tell = () => {
    if (!model.get("state").can_start || document.hidden) return;
    if (performance.now() - toldAt < NEAR_MS) return;
    toldAt = performance.now();
    send({ type: "near" });
  };
  ["pointerenter", "focusin"].forEach((name) => node.addEventListener(name, tell));
  if (before === "new") tell();
  const show = () => {
    const now = model.get("state").state;
    if (now !== before && now === "closed" && stopped) { toldAt = -Infinity; tell(); }
    if (now === "starting") stopped = false;
    before = now;
  };
  return { show, stop: () => { stopped = true; } };
}

// Options are [value, title]; the first is chosen.
function radios(title, options, changed) {
  const inputs = [];
  const group = `lab-${Math.random().toString(36).slice(2)}`;
  const node = make("fieldset", { class: "lab-choice" }, make("legend", {}, title));
  options.forEach(([value, label], index) => {
    const radio = make("input", { type: "radio", name: group, ...OWN_KEYS });
    radio.checked = index === 0;
    inputs.push(radio);
    radio.addEventListener("change", () => changed(value));
    node.append(make("label", {}, radio, label));
  });
  const choose = (value) => {
    inputs.forEach((one, index) => { one.checked = options[index][0] === value; });
  };
  return { node, choose };
}

function select(title, options, changed) {
  const named = { ...OWN_KEYS, "aria-label": title };
  const input = make("select", named, ...options.map(([, label]) => make("option", {}, label)));
  input.addEventListener("change", () => changed(options[input.selectedIndex][0]));
  const choose = (value) => { input.selectedIndex = options.findIndex((one) => one[0] === value); };
  return { node: make("label", { class: "lab-select" }, make("span", {}, title), input), choose };
}

// Puts a control in the place of the first one in a row; whoever was there by keyboard stays there.
function putFirst(row, node) {
  const before = row.firstChild, held = before?.contains(document.activeElement);
  if (before) before.replaceWith(node);
  else row.append(node);
  if (held) node.querySelector("select, input:checked")?.focus();
}
