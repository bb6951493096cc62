// Nothing to write: nobody can be added, people join. Hand on the room's name
// (a link, a QR code); the other app asks for a token of its own:
const invited = TokenRequestOptions(roomName: 'new-room', participantName: 'user456');
