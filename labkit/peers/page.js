// The peer in the page: its connections, its clock, its media; beside labkit/peers/remote.py.

const WAITING_MS = 2000;
const CLOCK_MS = 2000;
const FIRST_SAMPLES = 8;
const LATER_SAMPLES = 3;
const LOST_MS = 5000; // as long as ICE needs to notice, and twice the pause between two samples

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Runs something now and then; what it leaves behind is ended by `end`.
function cleanUp() {
  const things = [];
  return {
    every: (ms, work) => { const id = setInterval(work, ms); things.push(() => clearInterval(id)); },
    add: (thing) => things.push(thing),
    end: () => things.splice(0).reverse().forEach((thing) => thing()),
  };
}

// The step of `performance.now()`: browsers round it, Firefox to a whole millisecond.
function clockStep() {
  const steps = [];
  for (let before = performance.now(); steps.length < 3;) {
    const now = performance.now();
    if (now > before) steps.push(now - before);
    before = now;
  }
  return Math.min(...steps);
}

// Compares this page's clock with the kernel's: first a burst, then a few samples now and then.
function pageClock(send, clean) {
  let best = null, left = FIRST_SAMPLES, heardAt = performance.now();
  const step_ms = clockStep();
  const ping = () => send({ type: "ping", sent_ms: performance.now() });
  const begin = (samples) => { best = null; left = samples; ping(); };
  return {
    begin: () => {
      begin(FIRST_SAMPLES);
      clean.every(CLOCK_MS, () => begin(LATER_SAMPLES));
    },
    silentMs: () => performance.now() - heardAt,
    pong({ sent_ms, at_s }) {
      const now = performance.now();
      const rtt_s = (now - sent_ms + 2 * step_ms) / 1000; // each end is off by a step at most
      heardAt = now;
      const offset_s = at_s - (now + sent_ms) / 2000;
      if (!best || rtt_s < best.rtt_s) best = { offset_s, rtt_s };
      left -= 1;
      if (left > 0) ping();
      else send({ type: "clock", ...best });
    },
  };
}

// One call of this page, or its part in a room. `send` takes messages for the lab, `own` is a video,
// `theirs` returns the video for somebody by name; in a call there is one, and the name is empty.
// `gone` takes the name of somebody who is not seen any more.
function pagePeer({ own, onLost, ...options }) {
  const clean = cleanUp();
  const clock = pageClock(options.send, clean);
  const captured = [], ears = new Map(), first = pageConnection("", options);
  let media = null, over = false, begun = false;

  const choose = (what) => {
    media = openMedia(what, options.wanted, captured, clean);
    media.then((stream) => {
      if (over) stream.getTracks().forEach((track) => track.stop());
      else own.srcObject = stream;
    }, () => {}); // whoever asks for the offer hears of it
  };

  const watch = (pc) => {
    const cut = pc.connectionState === "disconnected" && clock.silentMs() > LOST_MS;
    if (cut || ["failed", "closed"].includes(pc.connectionState)) onLost();
  };

  const describe = async (kind, question) => {
    if (!begun) clock.begin();
    begun = true;
    first.hangUp(); // a second offer is for a new connection
    const waiting = setInterval(() => first.send({ type: "waiting" }), WAITING_MS);
    let stream;
    try { stream = await media; } finally { clearInterval(waiting); }
    if (over) return null;
    const sdp = await first.open(kind, stream, question, { captured, watch });
    const about = stream.getTracks().map((track) => ({
      kind: track.kind, label: track.label, settings: track.getSettings() }));
    return { sdp, media: about, agent: navigator.userAgent };
  };

  // One more connection, which only receives.
  const listen = async (ear, question) => {
    ears.get(ear)?.hangUp();
    const line = pageConnection(ear, options);
    ears.set(ear, line);
    const sdp = await line.open("offer", new MediaStream(), question,
      { captured: [], watch: () => {} });
    return { sdp, agent: navigator.userAgent };
  };

  const hidden = () => first.event(document.hidden ? "page_hidden" : "page_visible");
  document.addEventListener("visibilitychange", hidden);
  clean.add(() => document.removeEventListener("visibilitychange", hidden));

  return {
    choose,
    pong: clock.pong,
    async answer({ number, what, media: asked, ear, ...question }) {
      if (!media) choose(asked);
      const line = ear ? ears.get(ear) : first;
      const send = (message) => options.send(ear ? { ...message, ear } : message);
      try {
        const told = what === "set_answer" ? await line.setAnswer(question)
          : ear ? await listen(ear, question)
            : await describe(what === "create_offer" ? "offer" : "answer", question);
        if (told) send({ type: "answer", number, ...told });
      } catch (error) {
        if (!over) send({ type: "failed", number, name: error.name, message: error.message });
      }
    },
    hangUp(ear) {
      ears.get(ear)?.hangUp();
      ears.delete(ear);
    },
    forget: (who) => [first, ...ears.values()].forEach((line) => line.forget(who)),
    end() {
      over = true;
      [first, ...ears.values()].forEach((line) => line.hangUp());
      clean.end();
      own.srcObject = null;
    },
  };
}
