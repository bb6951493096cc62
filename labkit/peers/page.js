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

// A section for each track of the room, then one for each of the page's own. In this order:
// LiveKit's server uses no codec that the first section of a kind does not name.
function addRoomMedia(pc, stream, wanted, receive) {
  for (const kind of receive) pc.addTransceiver(kind, { direction: "recvonly" });
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    if (track.kind === "video") preferCodec(transceiver, wanted.codec);
  }
  if (!pc.getTransceivers().length) pc.createDataChannel("silent"); // an offer needs a section
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

// The way that ICE has agreed on: it shows whether the media go through the lab's relay.
function nominatedPair(reports) {
  const found = new Map(reports.map((one) => [one.id, one]));
  const chosen = reports.find((one) => one.type === "transport")?.selectedCandidatePairId;
  const pair = found.get(chosen)
    ?? reports.find((one) => one.type === "candidate-pair" && one.nominated);
  const ends = [found.get(pair?.localCandidateId), found.get(pair?.remoteCandidateId)];
  if (!ends.every(Boolean)) return null;
  const [local, remote] = ends.map(({ address, ip, port, candidateType }) =>
    `${address || ip || "(hidden)"}:${port} ${candidateType}`);
  return { local, remote };
}

// What goes to the lab of `getStats()`: a report of what the far end says has our section's name.
function reportsToTell(reports) {
  const mids = new Map(reports.map((one) => [one.id, one.mid]));
  return reports.filter((one) => one.type !== "candidate-pair" || one.nominated)
    .map(({ id, timestamp, ssrc, ...rest }) => ({ ...rest, mid: rest.mid ?? mids.get(rest.localId) }));
}

// Who is seen, and how often: rows for the lab, by the section (mid) that a track arrives in.
function frameBook(onFirst, onFrame) {
  const shown = [], counts = {};
  let first = true;
  return {
    take: () => ({ counts, shown: shown.splice(0) }),
    seen(mid, who) {
      const count = counts[mid] = { frames_presented: 0, frames_read: 0 };
      let before = null;
      return (row, presented) => {
        if (first) onFirst();
        first = false;
        // A busy page is not called for every frame; the lab hears how many it presented since.
        const unread = before === null ? 0 : Math.max(0, presented - before - 1);
        before = count.frames_presented = presented;
        count.frames_read += 1;
        shown.push([...row, unread, mid]);
        onFrame(row[0], who);
      };
    },
  };
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

// One call of this page, or its part in a room. `send` takes messages for the lab, `own` is a video,
// `theirs` returns the video for somebody by name; in a call there is one, and the name is empty.
function pagePeer({ wanted, send, own, theirs, onFrame, onLost }) {
  const clean = cleanUp();
  const clock = pageClock(send, clean);
  const event = (name, detail = "") => send({ type: "event", name, detail, at_ms: performance.now() });
  const book = frameBook(() => event("first_frame"), onFrame);
  const captured = [], streams = new Map();
  let pc = null, media = null, over = false, names = null, way = "", link = cleanUp();

  const flush = () => send({ type: "batch", at_ms: performance.now(), ...book.take(),
    captured: captured.splice(0) });
  const stats = async () => {
    const at_ms = performance.now();
    const reports = [...(await pc.getStats()).values()];
    if (over) return;
    const pair = nominatedPair(reports), now = JSON.stringify(pair);
    if (pair && now !== way) event("nominated_pair", pair);
    way = pair ? now : way;
    send({ type: "stats", at_ms, stats: reportsToTell(reports) });
  };

  const choose = (what) => {
    media = openMedia(what, wanted, captured, clean);
    media.then((stream) => {
      if (over) stream.getTracks().forEach((track) => track.stop());
      else own.srcObject = stream;
    }, () => {}); // whoever asks for the offer hears of it
  };

  const play = ({ track, transceiver }) => {
    const who = names ? names[transceiver.mid] : "";
    if (who === undefined) return; // the server sends what nobody has asked for
    const video = theirs(who), stream = streams.get(who) ?? new MediaStream();
    streams.set(who, stream);
    stream.addTrack(track);
    video.srcObject = stream;
    video.play().catch(() => { video.muted = true; video.play().catch(() => {}); });
    if (track.kind === "video") watchFrames(video, book.seen(transceiver.mid, who), link);
  };

  const hangUp = () => {
    link.end();
    for (const who of streams.keys()) theirs(who).srcObject = null;
    streams.clear();
    way = "";
  };

  const describe = async (kind, { sdp: offer, receive }) => {
    if (!pc) clock.begin();
    hangUp(); // a second offer is for a new connection
    link = cleanUp();
    const waiting = setInterval(() => send({ type: "waiting" }), WAITING_MS);
    let stream;
    try { stream = await media; } finally { clearInterval(waiting); }
    if (over) return null;
    pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    const mine = pc;
    link.add(() => mine.close());
    watchStates(pc, send, event);
    pc.addEventListener("track", play);
    if (offer) await pc.setRemoteDescription({ type: "offer", sdp: offer });
    if (receive) addRoomMedia(pc, stream, wanted, receive);
    else addMedia(pc, stream, wanted, !offer);
    const description = offer ? await pc.createAnswer() : await pc.createOffer();
    event(`${kind}_created`);
    await pc.setLocalDescription(description);
    await gathered(pc);
    event("gathering_complete");
    link.every(BATCH_MS, flush);
    link.every(STATS_MS, stats);
    const look = () => {
      if (pc !== mine) return;
      const cut = pc.connectionState === "disconnected" && clock.silentMs() > LOST_MS;
      if (cut || ["failed", "closed"].includes(pc.connectionState)) onLost();
      else if (pc.connectionState === "connected" && !way) stats();
    };
    pc.addEventListener("connectionstatechange", look);
    link.every(STATS_MS, look);
    const about = stream.getTracks().map((track) => ({
      kind: track.kind, label: track.label, settings: track.getSettings() }));
    return { sdp: pc.localDescription.sdp, media: about, agent: navigator.userAgent };
  };

  const setAnswer = async ({ sdp, names: publishers }) => {
    names = publishers ?? null;
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
    async answer({ number, what, media: asked, ...question }) {
      if (!media) choose(asked);
      try {
        const told = what === "set_answer" ? await setAnswer(question)
          : await describe(what === "create_offer" ? "offer" : "answer", question);
        if (told) send({ type: "answer", number, ...told });
      } catch (error) {
        if (!over) send({ type: "failed", number, name: error.name, message: error.message });
      }
    },
    end() {
      over = true;
      hangUp();
      clean.end();
      own.srcObject = null;
    },
  };
}
