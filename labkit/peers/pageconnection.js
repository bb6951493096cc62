// One connection of a page, and what it measures; page.js comes after it in one module.

const GATHER_MS = 3000;
const BATCH_MS = 250;
const STATS_MS = 1000;

function preferCodec(transceiver, codec) {
  const usable = RTCRtpReceiver.getCapabilities("video").codecs.filter((one) =>
    [`video/${codec}`, "video/rtx"].includes(one.mimeType.toLowerCase()));
  if (!usable.some((one) => one.mimeType.toLowerCase() === `video/${codec}`))
    throw new DOMException(codec, "NoSuchCodec");
  transceiver.setCodecPreferences(usable);
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

// One connection of a page. `ear` names one that was opened for people who came later; the first
// has none. The other arguments are those of `pagePeer`.
function pageConnection(ear, { wanted, theirs, gone, onFrame, ...peer }) {
  const send = (message) => peer.send(ear ? { ...message, ear } : message);
  const event = (name, detail = "") => send({ type: "event", name, detail, at_ms: performance.now() });
  const book = frameBook(() => ear || event("first_frame"), onFrame);
  const streams = new Map();
  let pc = null, names = null, way = "", link = cleanUp();

  const stats = async () => {
    const at_ms = performance.now(), mine = pc;
    const reports = [...(await mine.getStats()).values()];
    if (pc !== mine) return;
    const pair = nominatedPair(reports), now = JSON.stringify(pair);
    if (pair && now !== way) event("nominated_pair", pair);
    way = pair ? now : way;
    // What no track is named in is told of the first connection alone.
    const told = reportsToTell(reports).filter((one) => !ear || one.kind);
    send({ type: "stats", at_ms, stats: told });
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

  const forget = (who) => {
    if (!streams.delete(who)) return;
    theirs(who).srcObject = null;
    gone(who);
  };

  const hangUp = () => {
    link.end();
    pc = null;
    way = "";
    for (const who of [...streams.keys()]) {
      if (ear) forget(who);
      else theirs(who).srcObject = null; // its next connection shows the same people
    }
    streams.clear();
  };

  // Opens a connection and returns its description; one that was there has hung up.
  const open = async (kind, stream, { sdp: offer, receive }, { captured, watch }) => {
    const mine = pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    link = cleanUp();
    link.add(() => mine.close());
    watchStates(mine, send, event);
    mine.addEventListener("track", play);
    if (offer) await mine.setRemoteDescription({ type: "offer", sdp: offer });
    if (receive) addRoomMedia(mine, stream, wanted, receive);
    else addMedia(mine, stream, wanted, !offer);
    const description = offer ? await mine.createAnswer() : await mine.createOffer();
    event(`${kind}_created`);
    await mine.setLocalDescription(description);
    await gathered(mine);
    event("gathering_complete");
    if (pc !== mine) return null;
    link.every(BATCH_MS, () => send({ type: "batch", at_ms: performance.now(), ...book.take(),
      captured: captured.splice(0) }));
    link.every(STATS_MS, stats);
    const look = () => {
      if (pc === mine) watch(mine);
      if (pc === mine && mine.connectionState === "connected" && !way) stats();
    };
    mine.addEventListener("connectionstatechange", look);
    link.every(STATS_MS, look);
    return mine.localDescription.sdp;
  };

  const setAnswer = async ({ sdp, names: publishers }) => {
    names = publishers ?? null;
    await pc.setRemoteDescription({ type: "answer", sdp });
    event("remote_answer_set");
    return {};
  };

  return { send, event, forget, hangUp, open, setAnswer };
}
