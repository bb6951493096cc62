// A call for two without an SDK: WHIP (RFC 9725) and what every browser has.
// LiveKit answers an offer that also receives; a header names the tracks that it waits for.

const GATHER_MS = 2000;
const at = id => document.getElementById(id);
let words = {};
let invitation = null;
let session = null; // {pc, media, address, token} while joined

function say(name, reason = "") {
  at("state").textContent = words[name].replace("{reason}", reason);
  at("state").dataset.state = name;
  at("join").disabled = name === "joining" || name === "joined";
  at("leave").disabled = name !== "joined";
}

async function askForToken() {
  const answer = await fetch(invitation.endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${invitation.id_token}` },
    body: JSON.stringify({ room_name: invitation.room }),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.message);
  return told.participant_token;
}

function gathered(pc) {
  return new Promise(resolve => {
    const done = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, GATHER_MS); // what is there by then has to do
    done();
  });
}

function connection(media) {
  const pc = new RTCPeerConnection({ iceServers: [] });
  pc.addEventListener("track", event => {
    at("theirs").srcObject = new MediaStream([event.track]);
  });
  // What is received comes first: the server uses no codec that the first section does not name.
  for (const tracks of Object.values(invitation.others)) {
    tracks.forEach(() => pc.addTransceiver("video", { direction: "recvonly" }));
  }
  for (const track of media.getTracks()) {
    pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
  }
  return pc;
}

async function offer(pc, token) {
  await pc.setLocalDescription();
  await gathered(pc);
  const answer = await fetch(invitation.whip, {
    method: "POST",
    headers: {
      "Content-Type": "application/sdp",
      Authorization: `Bearer ${token}`,
      "X-LiveKit-ClientInfo": JSON.stringify({ subscribedParticipantTrackNames: invitation.others }),
    },
    body: pc.localDescription.sdp,
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.status} ${text}`);
  await pc.setRemoteDescription({ type: "answer", sdp: text });
  return new URL(answer.headers.get("Location"), window.location.href).href;
}

async function join() {
  say("joining");
  let media = null;
  let pc = null;
  try {
    const token = await askForToken();
    media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: true });
    at("mine").srcObject = media;
    pc = connection(media);
    session = { pc, media, token, address: await offer(pc, token) };
    say("joined");
  } catch (error) {
    stop(pc, media);
    say("broken", error.message);
  }
}

function stop(pc, media) {
  if (pc) pc.close();
  if (media) media.getTracks().forEach(track => track.stop());
  at("mine").srcObject = at("theirs").srcObject = null;
}

async function leave() {
  const { pc, media, token, address } = session;
  session = null;
  const headers = { Authorization: `Bearer ${token}` };
  const gone = fetch(address, { method: "DELETE", headers, keepalive: true });
  stop(pc, media);
  say("left");
  await gone.catch(() => {}); // a server that is gone needs no good-bye
}

async function begin() {
  invitation = await (await fetch("invitation")).json();
  words = invitation.words;
  at("join").textContent = words.join;
  at("leave").textContent = words.leave;
  for (const name of ["mine", "theirs"]) {
    at(name).parentElement.querySelector("figcaption").textContent = words[name];
    at(name).setAttribute("aria-label", words[name]);
  }
  at("join").addEventListener("click", join);
  at("leave").addEventListener("click", leave);
  window.addEventListener("pagehide", () => session && leave());
  say("new");
}

begin();
