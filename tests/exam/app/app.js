// A call for two with livekit-client, as a student would write it; and with the faults that
// students make, by name: "late", "silent", "other room".
const { Room, RoomEvent, Track } = LivekitClient;
const at = id => document.getElementById(id);
let room = null;

async function askForToken(invitation, idToken, roomName) {
  const answer = await fetch(invitation.endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${idToken}` },
    body: JSON.stringify({ room_name: roomName }),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(`${told.error}: ${told.message}`);
  return told;
}

function show(track) {
  if (track && track.kind === Track.Kind.Video) track.attach(at("theirs"));
}

function follow(fault) {
  if (fault === "late") {
    // Whoever was there before never gets this event.
    room.on(RoomEvent.ParticipantConnected, person => {
      person.on("trackSubscribed", show);
    });
  } else {
    room.on(RoomEvent.TrackSubscribed, show);
  }
  room.on(RoomEvent.Reconnecting, () => { at("state").textContent = "Reconnecting"; });
  room.on(RoomEvent.Reconnected, () => { at("state").textContent = "In the call"; });
  room.on(RoomEvent.Disconnected, () => { at("state").textContent = "Left"; });
}

async function join(invitation, fault) {
  const name = fault === "other room" ? "lobby" : invitation.room;
  const told = await askForToken(invitation, invitation.id_token, name);
  room = new Room({ adaptiveStream: true, dynacast: true, disconnectOnPageLeave: fault !== "silent" });
  follow(fault);
  await room.connect(told.server_url, told.participant_token);
  await room.localParticipant.setCameraEnabled(true);
  await room.localParticipant.setMicrophoneEnabled(true);
  room.localParticipant.getTrackPublication(Track.Source.Camera).track.attach(at("mine"));
  at("state").textContent = "In the call";
}

// What the same app does on a third person's device.
async function thirdPerson(invitation) {
  try {
    await askForToken(invitation, invitation.third_id_token, invitation.room);
    at("third").textContent = "There was room";
  } catch (error) {
    at("third").textContent = error.message;
  }
}

async function leave() {
  await room.disconnect();
}
