// The peer in the page: its connection and what it measures; beside labkit/peers/remote.py.

const GATHER_MS = 3000;
const BATCH_MS = 250;
const STATS_MS = 1000;
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

function preferCodec(transceiver, codec) {
  const usable = RTCRtpReceiver.getCapabilities("video").codecs.filter((one) =>
    [`video/${codec}`, "video/rtx"].includes(one.mimeType.toLowerCase()));
  if (usable.length) transceiver.setCodecPreferences(usable);
}

async function gathered(pc) {
  const complete = new Promise((done) => {
    const look = () => pc.iceGatheringState === "complete" && done();
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
  await Promise.race([complete, wait(GATHER_MS)]);
}

function addMedia(pc, stream, wanted, offering) {
  for (const kind of ["audio", "video"]) {
    const track = stream.getTracks().find((one) => one.kind === kind);
    if (track) pc.addTrack(track, stream);
    else if (offering && wanted.back.includes(kind)) pc.addTransceiver(kind, { direction: "recvonly" });
  }
  for (const transceiver of pc.getTransceivers()) {
    const { sender, receiver } = transceiver;
    if (receiver.track.kind === "video") preferCodec(transceiver, wanted.codec);
    if (offering && sender.track && !wanted.back.includes(receiver.track.kind))
      transceiver.direction = "sendonly";
  }
}

const ICE_EVENTS = { checking: "ice_checking", connected: "ice_connected", failed: "ice_failed" };

function watchStates(pc, send, event) {
  pc.addEventListener("iceconnectionstatechange", () => {
    if (ICE_EVENTS[pc.iceConnectionState]) event(ICE_EVENTS[pc.iceConnectionState]);
  });
  pc.addEventListener("connectionstatechange", () => {
    event(`connection_${pc.connectionState}`);
    send({ type: "state", state: pc.connectionState });
  });
}

// Compares this page's clock with the kernel's: first a burst, then a few samples now and then.
function pageClock(send, clean) {
  let best = null, left = FIRST_SAMPLES, heardAt = performance.now();
  const ping = () => send({ type: "ping", sent_ms: performance.now() });
  const begin = (samples) => { best = null; left = samples; ping(); };
  return {
    begin: () => {
      begin(FIRST_SAMPLES);
      clean.every(CLOCK_MS, () => begin(LATER_SAMPLES));
    },
    silentMs: () => performance.now() - heardAt,
    pong({ sent_ms, at_s }) {
      const now = performance.now(), rtt_s = (now - sent_ms) / 1000;
      heardAt = now;
      const offset_s = at_s - (now + sent_ms) / 2000;
      if (!best || rtt_s < best.rtt_s) best = { offset_s, rtt_s };
      left -= 1;
      if (left > 0) ping();
      else send({ type: "clock", ...best });
    },
  };
}

// One call of this page. `send` takes messages for the lab, `own` and `theirs` are videos.
function pagePeer({ wanted, send, own, theirs, onFrame, onLost }) {
  const clean = cleanUp();
  const clock = pageClock(send, clean);
  const captured = [], shown = [];
  let presentedBefore = null;
  const counts = { frames_presented: 0, frames_read: 0 };
  let pc = null, media = null, over = false, firstFrame = true;
  const event = (name, detail = "") => send({ type: "event", name, detail, at_ms: performance.now() });

  const flush = () => send({ type: "batch", at_ms: performance.now(), counts,
    captured: captured.splice(0), shown: shown.splice(0) });
  const seen = (row, presented) => {
    if (firstFrame) { firstFrame = false; event("first_frame"); }
    // A busy page is not called for every frame; the lab hears how many it presented since.
    const unread = presentedBefore === null ? 0 : Math.max(0, presented - presentedBefore - 1);
    presentedBefore = counts.frames_presented = presented;
    counts.frames_read += 1;
    shown.push([...row, unread]);
    onFrame(row[0]);
  };
  const stats = async () => {
    const at_ms = performance.now();
    const reports = [...(await pc.getStats()).values()];
    const kept = reports.filter((one) => one.type !== "candidate-pair" || one.nominated)
      .map(({ id, timestamp, ssrc, ...rest }) => rest);
    if (!over) send({ type: "stats", at_ms, stats: kept });
  };

  const choose = (what) => {
    media = openMedia(what, wanted, captured, clean);
    media.then((stream) => {
      if (over) stream.getTracks().forEach((track) => track.stop());
      else own.srcObject = stream;
    }, () => {}); // whoever asks for the offer hears of it
  };

  const describe = async (kind, offer) => {
    clock.begin();
    const waiting = setInterval(() => send({ type: "waiting" }), WAITING_MS);
    let stream;
    try { stream = await media; } finally { clearInterval(waiting); }
    if (over) return null;
    pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    clean.add(() => pc.close());
    watchStates(pc, send, event);
    const remote = new MediaStream();
    pc.addEventListener("track", ({ track }) => {
      remote.addTrack(track);
      theirs.srcObject = remote;
      theirs.play().catch(() => { theirs.muted = true; theirs.play().catch(() => {}); });
    });
    if (offer) await pc.setRemoteDescription({ type: "offer", sdp: offer });
    addMedia(pc, stream, wanted, !offer);
    const description = offer ? await pc.createAnswer() : await pc.createOffer();
    event(`${kind}_created`);
    await pc.setLocalDescription(description);
    await gathered(pc);
    event("gathering_complete");
    watchFrames(theirs, seen, clean);
    clean.every(BATCH_MS, flush);
    clean.every(STATS_MS, stats);
    const look = () => {
      const cut = pc.connectionState === "disconnected" && clock.silentMs() > LOST_MS;
      if (cut || ["failed", "closed"].includes(pc.connectionState)) onLost();
    };
    pc.addEventListener("connectionstatechange", look);
    clean.every(STATS_MS, look);
    const about = stream.getTracks().map((track) => ({
      kind: track.kind, label: track.label, settings: track.getSettings() }));
    return { sdp: pc.localDescription.sdp, media: about, agent: navigator.userAgent };
  };

  const setAnswer = async (sdp) => {
    await pc.setRemoteDescription({ type: "answer", sdp });
    event("remote_answer_set");
    return {};
  };

  const hidden = () => event(document.hidden ? "page_hidden" : "page_visible");
  document.addEventListener("visibilitychange", hidden);
  clean.add(() => document.removeEventListener("visibilitychange", hidden));

  return {
    choose,
    pong: clock.pong,
    async answer({ number, what, sdp, media: asked }) {
      if (!media) choose(asked);
      try {
        const told = what === "set_answer" ? await setAnswer(sdp)
          : await describe(what === "create_offer" ? "offer" : "answer", sdp);
        if (told) send({ type: "answer", number, ...told });
      } catch (error) {
        if (!over) send({ type: "failed", number, name: error.name, message: error.message });
      }
    },
    end() {
      over = true;
      clean.end();
      own.srcObject = theirs.srcObject = null;
    },
  };
}
